#include "daemon/publish/cdi_specification.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "common/model/vfio_unit.h"

namespace nvccd {
namespace {

using Json = nlohmann::ordered_json;

Json device_nodes(const std::vector<std::string>& paths) {
  Json nodes = Json::array();
  for (const auto& path : paths)
    nodes.push_back({{"path", path}});
  return nodes;
}

}  // namespace

std::map<std::string, std::string> cdi_specifications(const std::map<PciAddress, DeviceSnapshot>& devices,
                                                      const ResourceAliases& aliases) {
  std::vector<const DeviceSnapshot*> all;
  for (const auto& [address, device] : devices)
    all.push_back(&device);
  std::map<std::string, Json> entries;
  for (const auto& unit : vfio_units(all)) {
    const DeviceSnapshot& first = *unit.front();
    const std::string kind = resource(first, aliases);
    const auto nodes = vfio_nodes(unit);
    const bool healthy = std::ranges::all_of(unit, [](const auto* device) { return device->healthy(); });
    if (!healthy || nodes.empty() || problem_of_resource_name(kind)) continue;
    entries[kind].push_back(
        {{"name", to_stable_id(first.address)}, {"containerEdits", {{"deviceNodes", device_nodes(nodes)}}}});
  }
  std::map<std::string, std::string> specifications;
  for (auto& [kind, of_kind] : entries) {
    const Json specification = {{"cdiVersion", "0.5.0"}, {"kind", kind}, {"devices", std::move(of_kind)}};
    specifications[kind] = specification.dump(2) + "\n";
  }
  return specifications;
}

}  // namespace nvccd
