// What in a device's IOMMU group keeps virtual machines from the device: VFIO gives a VM the whole group or
// nothing of it.
#pragma once

#include "common/host/sysfs.h"

namespace nvccd {

// Whether this other member of the group is in the way as it is now: it belongs to a driver of the host, or
// it is another maker's and nobody gave it to VFIO. An NVIDIA function without a driver is not in the way.
std::optional<Error> find_obstacle(const HostPaths& paths, const PciAddress& device,
                                   const PciAddress& member);

// The first member that is.
std::optional<Error> find_group_obstacle(const HostPaths& paths, const PciAddress& device);

// The same without the other GPUs and switches of the group and what goes along with them: those may be about
// to be bound.
std::optional<Error> find_own_obstacle(const HostPaths& paths, const PciAddress& device);

}  // namespace nvccd
