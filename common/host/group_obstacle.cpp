#include "common/host/group_obstacle.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/host/companions.h"
#include "common/host/device_facts.h"

namespace nvccd {
namespace {

// VFIO passes over these drivers: that of bridges, and the one that only keeps others from a device.
bool is_harmless_driver(std::string_view driver) {
  return driver == "pcieport" || driver == "pci-stub";
}

// A bridge to another bus. Other bridges (to ISA, say) have drivers that use them.
bool is_bus_bridge(std::uint32_t device_class) {
  return device_class >> 8 == 0x0604 || device_class >> 8 == 0x0609;
}

Error obstacle(const PciAddress& device, const PciAddress& member, const std::string& what,
               const std::string& advice) {
  return Error{.kind = ErrorKind::system,
               .cause = fmt::format("its IOMMU group also holds {}, which {}", to_string(member), what),
               .advice = advice,
               .device = device};
}

std::optional<Error> find_first(const HostPaths& paths, const PciAddress& device, auto concerns) {
  for (const auto& member : iommu_group_members(paths, device))
    if (member != device && concerns(member))
      if (auto found = find_obstacle(paths, device, member)) return found;
  return std::nullopt;
}

}  // namespace

std::optional<Error> find_obstacle(const HostPaths& paths, const PciAddress& device,
                                   const PciAddress& member) {
  const auto driver = link_name(paths.device(member) / "driver");
  if (is_vfio_driver(paths, driver) || is_harmless_driver(driver)) return std::nullopt;
  const auto device_class = read_class(paths, member);
  if (device_class && is_bus_bridge(*device_class)) return std::nullopt;
  const bool is_ours = is_nvidia(paths, member);
  if (driver.empty() && (is_ours || (device_class && is_bridge(*device_class)))) return std::nullopt;
  const auto owner = driver.empty() ? "" : fmt::format("belongs to driver {}", driver);
  if (is_ours)
    return obstacle(device, member, owner,
                    fmt::format("bind it to a vfio driver too, or unbind it from {}", driver));
  return obstacle(
      device, member,
      owner.empty() ? "is no NVIDIA device" : fmt::format("is no NVIDIA device and {}", owner),
      fmt::format("put the device into a slot with a group of its own, or switch on ACS in the firmware "
                  "settings; or give {} to vfio-pci",
                  to_string(member)));
}

std::optional<Error> find_group_obstacle(const HostPaths& paths, const PciAddress& device) {
  return find_first(paths, device, [](const PciAddress&) { return true; });
}

std::optional<Error> find_own_obstacle(const HostPaths& paths, const PciAddress& device) {
  const auto companions = find_companions(paths, device);
  return find_first(paths, device, [&](const PciAddress& member) {
    return !is_nvidia(paths, member) || std::ranges::find(companions, member) != companions.end();
  });
}

}  // namespace nvccd
