// What in a device's IOMMU group keeps virtual machines from the device: VFIO gives a VM the whole group or
// nothing of it.
#pragma once

#include "common/host/sysfs.h"

namespace nvccd {

// Whether `member`, another one of the group, is in the way as it is now: a driver of the host has it, or it
// is another maker's and nobody gave it to VFIO. An NVIDIA function without a driver is not in the way.
std::optional<Error> find_obstacle(const HostPaths& paths, const PciAddress& device,
                                   const PciAddress& member);

// The first member of the group that is in the way.
std::optional<Error> find_group_obstacle(const HostPaths& paths, const PciAddress& device);

// The same without the other GPUs and switches of the group and their companions: nvccd may be about to bind
// those.
std::optional<Error> find_own_obstacle(const HostPaths& paths, const PciAddress& device);

}  // namespace nvccd
