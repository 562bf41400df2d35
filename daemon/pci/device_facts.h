// What sysfs says of a PCI device.
#pragma once

#include "pci/host_devices.h"
#include "pci/sysfs.h"

namespace nvccd {

// gpu or nvswitch; nullopt: another vendor, or a companion such as a GPU's audio function.
std::optional<DeviceKind> classify(std::uint16_t vendor, std::uint32_t device_class);

// The same of the function at this address.
std::optional<DeviceKind> find_kind(const HostPaths& paths, const PciAddress& address);

// VFIO does not mind the bridges of a group.
bool is_bridge(std::uint32_t device_class);

// Every NVIDIA function counts, of whatever class.
bool is_nvidia(const HostPaths& paths, const PciAddress& address);

// 24-bit class code.
Result<std::uint32_t> read_class(const HostPaths& paths, const PciAddress& address);

std::vector<PciAddress> list_devices(const HostPaths& paths);

// All but the name, which sysfs does not know.
Result<DeviceFacts> read_facts(const HostPaths& paths, const PciAddress& address);

// A driver that takes devices for user space: vfio-pci, or a variant, which is known by its vfio devices or
// its name.
bool is_vfio_driver(const HostPaths& paths, std::string_view driver);

// Whether the function at this address has such a driver.
bool is_bound_to_vfio(const HostPaths& paths, const PciAddress& address);

}  // namespace nvccd
