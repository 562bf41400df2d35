// What the kernel says of a PCI device.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/host/sysfs.h"
#include "common/model/device.h"

namespace nvccd {

// What the kernel knows of a device.
struct DeviceFacts {
  std::uint64_t instance = 0;  // never that of an earlier device at the address
  DeviceKind kind = DeviceKind::gpu;
  std::uint16_t vendor_id = 0;
  std::uint16_t device_id = 0;
  std::string name;
  std::string driver;            // "": none
  bool driver_is_vfio = false;   // vfio-pci or a variant of it
  bool companions_bound = true;  // all companions to a vfio driver; true if there are none
  // What in its IOMMU group keeps VMs from the device; the error names the member. Another GPU or switch of
  // the group counts too as long as a driver of the host has it, even if nvccd is about to bind it.
  std::optional<Error> group_obstacle;
  std::optional<int> iommu_group;
  std::string vfio_group;   // path of the group's node; "": none
  std::string vfio_device;  // path of the iommufd character device; "": none
  std::optional<int> numa_node;
  std::optional<std::uint64_t> bar0;  // where the kernel has put BAR0; nullopt: nowhere, or not known
};

// gpu or nvswitch; nullopt: another vendor, or a companion such as a GPU's audio function. Virtual functions
// look like their physical one here; find_kind() tells them.
std::optional<DeviceKind> classify(std::uint16_t vendor, std::uint32_t device_class);

// The same for the function at this address.
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

// Whether the driver gives devices to user space: vfio-pci, or a variant, which is known by its vfio devices
// or its name.
bool is_vfio_driver(const HostPaths& paths, std::string_view driver);

// Whether the function at this address has a vfio driver.
bool is_bound_to_vfio(const HostPaths& paths, const PciAddress& address);

}  // namespace nvccd
