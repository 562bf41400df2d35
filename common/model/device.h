// One managed NVIDIA function as everybody outside the engine sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/model/mode.h"
#include "common/model/pci_address.h"

namespace nvccd {

enum class DeviceKind { gpu, nvswitch };
template <>
inline constexpr EnumRow<DeviceKind> enum_table<DeviceKind>[] = {{DeviceKind::gpu, "gpu"},
                                                                 {DeviceKind::nvswitch, "nvswitch"}};

// By what the device and its registers say, never by product.
enum class Architecture { unknown, hopper, blackwell, ls10 };
template <>
inline constexpr EnumRow<Architecture> enum_table<Architecture>[] = {{Architecture::unknown, "unknown"},
                                                                     {Architecture::hopper, "hopper"},
                                                                     {Architecture::blackwell, "blackwell"},
                                                                     {Architecture::ls10, "ls10"}};

enum class DeviceState { discovered, binding, transitioning, ready, busy, failed, unmanaged };
template <>
inline constexpr EnumRow<DeviceState> enum_table<DeviceState>[] = {
    {DeviceState::discovered, "discovered"},
    {DeviceState::binding, "binding"},
    {DeviceState::transitioning, "transitioning"},
    {DeviceState::ready, "ready"},
    {DeviceState::busy, "busy"},
    {DeviceState::failed, "failed"},
    {DeviceState::unmanaged, "unmanaged"}};

struct DeviceSnapshot {
  PciAddress address;
  DeviceKind kind = DeviceKind::gpu;
  std::uint16_t vendor_id = 0;
  std::uint16_t device_id = 0;
  std::string name;  // from pci.ids, or "Device 2330"
  Architecture architecture = Architecture::unknown;
  std::vector<Mode> supported_modes;
  std::string driver;  // "" when no driver is bound
  std::optional<int> iommu_group;
  std::string vfio_group;   // /dev/vfio/65, "" when there is none
  std::string vfio_device;  // /dev/vfio/devices/vfio0, "" where the kernel has none
  std::optional<int> numa_node;
  std::optional<Mode> mode;            // what the registers said at the last look; nullopt: unknown
  std::optional<Mode> requested_mode;  // nullopt: not managed, or nothing applies to it
  DeviceState state = DeviceState::discovered;
  bool in_use = false;  // somebody else has its VFIO group or device open
  std::string error;    // "" when nothing is wrong

  // Bound, and verified in the requested mode since the last reset, removal or start.
  bool healthy() const { return state == DeviceState::ready; }

  bool operator==(const DeviceSnapshot&) const = default;
};

}  // namespace nvccd
