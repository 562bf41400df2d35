// Binding a device, and the companions in its IOMMU group, to a vfio driver.
#pragma once

#include "common/host/sysfs.h"
#include "daemon/pci/host_devices.h"

namespace nvccd {

// The driver that a vfio.driver of the settings means for the device ("auto": the best vfio driver), loaded.
Result<std::string> load_vfio_driver(const HostPaths& paths, const PciAddress& address,
                                     const std::string& wanted);

// Whether a device may be taken over from this driver of the host when nothing uses it.
bool is_takeover_driver(std::string_view driver);

// A driver that is already loaded and named in the device's driver_override is used before any other is
// looked for: that needs no privilege. On success DeviceFacts::driver_is_vfio and companions_bound are true.
Result<> bind_to_vfio(const HostPaths& paths, const PciAddress& address, const BindPolicy& policy);

// Gives the device back to whatever driver the kernel chooses; udev is asked to load that driver. The
// companions go along, unless another GPU or NVSwitch of the IOMMU group needs them to stay.
Result<> release_from_vfio(const HostPaths& paths, const PciAddress& address);

}  // namespace nvccd
