#include "kubernetes/device-plugin/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <set>

#include "common/formats/resource_name.h"
#include "common/model/vfio_unit.h"

namespace nvccd::kubernetes {
namespace {

using Devices = VfioUnit<StateDevice>;

bool in_ppcie_set(const StateDevice* device) {
  return device->requested_mode == Mode::ppcie;
}

std::string problem_of(const StateDevice& device) {
  if (device.healthy) return "";
  if (!device.error.empty()) return fmt::format("{}: {}", to_string(device.address), device.error);
  return fmt::format("{} is {}", to_string(device.address), to_string(device.state));
}

Unit to_unit(const Devices& group) {
  Unit unit{.id = group.front()->id, .numa_nodes = {}, .nodes = vfio_nodes(group), .problem = {}};
  std::set<int> numa_nodes;
  for (const StateDevice* device : group) {
    if (device->numa_node) numa_nodes.insert(*device->numa_node);
    if (unit.problem.empty()) unit.problem = problem_of(*device);
  }
  unit.numa_nodes.assign(numa_nodes.begin(), numa_nodes.end());
  unit.in_set = std::ranges::any_of(group, in_ppcie_set);
  if (unit.healthy() && unit.nodes.empty())
    unit.problem = fmt::format("{} has no node below /dev/vfio", to_string(group.front()->address));
  return unit;
}

// A set of which a part cannot be used cannot be used at all.
void share_problem_of_set(std::map<std::string, Units>& resources) {
  std::string problem;
  for (const auto& [resource, units] : resources)
    for (const Unit& unit : units)
      if (unit.in_set && problem.empty()) problem = unit.problem;
  if (problem.empty()) return;
  for (auto& units : resources | std::views::values)
    for (Unit& unit : units)
      if (unit.in_set && unit.healthy())
        unit.problem = "in ppcie all GPUs and NVSwitches are usable together or not at all, and " + problem;
}

}  // namespace

Advertisement advertise(const PublishedState& state) {
  Advertisement advertisement;
  std::set<std::string> refused;
  Devices devices;
  for (const StateDevice& device : state.devices)
    devices.push_back(&device);
  for (const Devices& group : vfio_units(devices)) {
    const bool unmanaged =
        std::ranges::all_of(group, [](auto* device) { return device->state == DeviceState::unmanaged; });
    if (unmanaged) continue;
    const std::string& resource = group.front()->resource;
    if (const auto problem = problem_of_resource_name(resource))
      refused.insert(
          fmt::format("{} cannot be the name of a resource: {}; change its alias in the settings of nvccd",
                      resource, *problem));
    else
      advertisement.resources[resource].push_back(to_unit(group));
  }
  share_problem_of_set(advertisement.resources);
  advertisement.refused.assign(refused.begin(), refused.end());
  return advertisement;
}

void withdraw(Advertisement& advertisement, const std::string& problem) {
  for (auto& units : advertisement.resources | std::views::values)
    for (Unit& unit : units)
      unit.problem = problem;
}

}  // namespace nvccd::kubernetes
