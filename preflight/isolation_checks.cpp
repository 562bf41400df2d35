// Each device on its own: IOMMU groups, ACS on the way to the device, and its iommufd node.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "common/host/device_facts.h"
#include "preflight/access_control.h"
#include "preflight/check.h"

namespace nvccd::preflight {
namespace {

bool same_card(const PciAddress& one, const PciAddress& other) {
  return one.domain == other.domain && one.bus == other.bus && one.device == other.device;
}

bool is_bridge(const HostPaths& paths, const PciAddress& address) {
  constexpr std::uint32_t host_bridge = 0x0600;
  constexpr std::uint32_t pci_bridge = 0x0604;
  const auto device_class = read_class(paths, address);
  return device_class && (*device_class >> 8 == host_bridge || *device_class >> 8 == pci_bridge);
}

Verdict check_groups(const Subject& subject) {
  const auto paths = subject.host.kernel();
  std::vector<std::string> without;
  std::vector<std::string> shared;
  for (const auto& device : subject.devices) {
    if (!device.facts.iommu_group) {
      without.push_back(to_string(device.address));
      continue;
    }
    std::vector<std::string> strangers;
    for (const auto& member : iommu_group_members(paths, device.address))
      if (!same_card(member, device.address) && !is_bridge(paths, member))
        strangers.push_back(to_string(member));
    if (!strangers.empty())
      shared.push_back(fmt::format("{} with {} (group {})", to_string(device.address),
                                   fmt::join(strangers, ", "), *device.facts.iommu_group));
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

// The bridges between the processor and the device, outermost first.
std::vector<PciAddress> bridges_above(const HostView& host, const PciAddress& device) {
  std::vector<PciAddress> bridges;
  const std::filesystem::path path = host.resolve("/sys/bus/pci/devices/" + to_string(device));
  for (const auto& element : path)
    if (const auto address = PciAddress::parse(element.string()); address && *address != device)
      bridges.push_back(*address);
  return bridges;
}

Verdict check_access_control(const Subject& subject) {
  std::set<PciAddress> off;
  std::set<PciAddress> unknown;
  std::set<PciAddress> seen;
  for (const auto& device : subject.devices) {
    for (const auto& bridge : bridges_above(subject.host, device.address)) {
      if (!seen.insert(bridge).second) continue;
      const auto config =
          subject.host.read(fmt::format("/sys/bus/pci/devices/{}/config", to_string(bridge)), 4096);
      const auto state = config ? read_access_control(*config) : AccessControl::unknown;
      if (state == AccessControl::off) off.insert(bridge);
      if (state == AccessControl::unknown) unknown.insert(bridge);
    }
  }
  const auto text = [](const std::set<PciAddress>& addresses) {
    std::vector<std::string> names;
    for (const auto& address : addresses)
      names.push_back(to_string(address));
    return fmt::format("{}", fmt::join(names, ", "));
  };
  for (const auto& argument : subject.host.kernel_arguments())
    if (argument.starts_with("pcie_acs_override="))
      return warn(fmt::format("the kernel only pretends that devices are separated ({})", argument),
                  "remove it from the kernel command line, and enable ACS in the firmware setup");
  if (!off.empty())
    return warn(
        fmt::format("ACS is off on the way to a device: bridge {}", text(off)),
        "enable ACS in the firmware setup: devices below such a bridge may reach each other past the IOMMU");
  if (!unknown.empty())
    return skip(fmt::format("the configuration space of bridge {} may not be read here", text(unknown)));
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
