// Binding a device, and the companions in its IOMMU group, to a vfio driver.
#pragma once

#include "pci/host_devices.h"
#include "pci/sysfs.h"

namespace nvccd {

// The driver that a vfio.driver of the settings means for the device ("auto": the best vfio driver), loaded.
Result<std::string> load_vfio_driver(const HostPaths& paths, const PciAddress& address,
                                     const std::string& wanted);

// A driver from which a device may be taken when nothing uses it.
bool is_takeover_driver(std::string_view driver);

// A driver that is loaded and named in the device's driver_override is preferred to looking for one: that
// needs no privilege.
Result<> bind_to_vfio(const HostPaths& paths, const PciAddress& address, const BindPolicy& policy);

// Gives the device and its companions back to whatever driver the kernel chooses; udev is asked to load it.
Result<> release_from_vfio(const HostPaths& paths, const PciAddress& address);

}  // namespace nvccd
