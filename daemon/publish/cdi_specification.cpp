#include "publish/cdi_specification.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace nvccd {
namespace {

using Json = nlohmann::ordered_json;

// The devices that go to one container together, the first by address first.
using Unit = std::vector<const DeviceSnapshot*>;

std::vector<Unit> units(const std::map<PciAddress, DeviceSnapshot>& devices) {
  std::vector<Unit> all;
  for (const auto& [address, device] : devices) {
    const auto group = std::ranges::find_if(all, [&](const Unit& unit) {
      return device.iommu_group && unit.front()->iommu_group == device.iommu_group;
    });
    if (group != all.end())
      group->push_back(&device);
    else
      all.push_back({&device});
  }
  return all;
}

bool is_kind(const std::string& resource) {
  const char first = resource[resource.find('/') + 1];
  return (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
}

// With iommufd a device has a node of its own; without, the group has one, beside that of the container.
Json device_nodes(const Unit& unit) {
  Json nodes = Json::array();
  const bool has_own_nodes =
      std::ranges::all_of(unit, [](const auto* device) { return !device->vfio_device.empty(); });
  if (has_own_nodes) {
    for (const DeviceSnapshot* device : unit)
      nodes.push_back({{"path", device->vfio_device}});
  } else {
    nodes.push_back({{"path", "/dev/vfio/vfio"}});
    nodes.push_back({{"path", unit.front()->vfio_group}});
  }
  return nodes;
}

}  // namespace

std::map<std::string, std::string> cdi_specifications(const std::map<PciAddress, DeviceSnapshot>& devices,
                                                      const ResourceAliases& aliases) {
  std::map<std::string, Json> entries;
  for (const Unit& unit : units(devices)) {
    const DeviceSnapshot& first = *unit.front();
    const std::string kind = resource(first, aliases);
    const bool usable = std::ranges::all_of(unit, [](const auto* device) { return device->healthy(); }) &&
                        !first.vfio_group.empty();
    if (!usable || !is_kind(kind)) continue;
    entries[kind].push_back(
        {{"name", to_stable_id(first.address)}, {"containerEdits", {{"deviceNodes", device_nodes(unit)}}}});
  }
  std::map<std::string, std::string> specifications;
  for (auto& [kind, of_kind] : entries) {
    const Json specification = {{"cdiVersion", "0.5.0"}, {"kind", kind}, {"devices", std::move(of_kind)}};
    specifications[kind] = specification.dump(2) + "\n";
  }
  return specifications;
}

}  // namespace nvccd
