// Each device on its own: IOMMU groups, ACS on the way to the device, and its iommufd node.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "preflight/check.h"

namespace nvccd::preflight {
namespace {

std::string names(const std::vector<PciAddress>& addresses) {
  std::vector<std::string> names;
  for (const auto& address : addresses)
    names.push_back(to_string(address));
  return fmt::format("{}", fmt::join(names, ", "));
}

Verdict check_groups(const Subject& subject) {
  std::vector<std::string> without;
  std::vector<std::string> shared;
  for (const auto& device : subject.devices) {
    if (!device.facts.iommu_group) {
      without.push_back(to_string(device.address));
      continue;
    }
    if (!device.strangers.empty())
      shared.push_back(fmt::format("{} with {} (group {})", to_string(device.address),
                                   names(device.strangers), *device.facts.iommu_group));
  }
  if (!without.empty())
    return fail(fmt::format("no IOMMU group: {}", fmt::join(without, ", ")),
                "enable the IOMMU; see iommu.enabled");
  if (!shared.empty())
    return fail(
        fmt::format("IOMMU group shared: {}", fmt::join(shared, "; ")),
        "enable ACS in the firmware setup (with PCIe ARI and AER), or put the card into another slot");
  return ok("every device has an IOMMU group of its own");
}

Verdict check_access_control(const Subject& subject) {
  std::vector<PciAddress> off;
  std::vector<PciAddress> unknown;
  for (const auto& [bridge, state] : subject.bridges) {
    if (state == AccessControl::off) off.push_back(bridge);
    if (state == AccessControl::unknown) unknown.push_back(bridge);
  }
  for (const auto& argument : subject.platform.kernel_arguments)
    if (argument.starts_with("pcie_acs_override="))
      return warn(fmt::format("the kernel only pretends that devices are separated ({})", argument),
                  "remove it from the kernel command line, and enable ACS in the firmware setup");
  if (!off.empty())
    return warn(
        fmt::format("ACS is off on the way to a device: bridge {}", names(off)),
        "enable ACS in the firmware setup: devices below such a bridge may reach each other past the IOMMU");
  if (!unknown.empty())
    return skip(fmt::format("the configuration space of bridge {} may not be read here", names(unknown)));
  return ok("ACS is on where the bridges have it");
}

Verdict check_iommufd_devices(const Subject& subject) {
  std::vector<std::string> without;
  std::size_t bound = 0;
  for (const auto& device : subject.devices) {
    if (!device.facts.driver_is_vfio) continue;
    ++bound;
    if (device.facts.vfio_device.empty()) without.push_back(to_string(device.address));
  }
  if (bound == 0) return skip("no device is bound to a vfio driver");
  if (without.empty()) return ok("every bound device has a node in /dev/vfio/devices");
  auto found = fmt::format("no node in /dev/vfio/devices: {}", fmt::join(without, ", "));
  if (!subject.wants_confidential()) return skip(std::move(found) + "; only confidential guests need it");
  return fail(std::move(found),
              "boot a kernel with CONFIG_VFIO_DEVICE_CDEV; Kata gives a confidential guest no other");
}

constexpr Check isolation_check_rows[] = {
    {"iommu.groups", check_groups},
    {"iommu.acs", check_access_control},
    {"iommufd.devices", check_iommufd_devices},
};

}  // namespace

std::span<const Check> isolation_checks() {
  return isolation_check_rows;
}

}  // namespace nvccd::preflight
