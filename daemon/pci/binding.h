// Binding a device, and the companions in its IOMMU group, to a vfio driver.
#pragma once

#include "pci/host_devices.h"
#include "pci/sysfs.h"

namespace nvccd {

Result<> bind_to_vfio(const HostPaths& paths, const PciAddress& address, const BindPolicy& policy);

// Gives the device and its companions back to whatever driver the kernel chooses.
Result<> release_from_vfio(const HostPaths& paths, const PciAddress& address);

}  // namespace nvccd
