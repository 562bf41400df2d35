#include "kubernetes/device-plugin/allocation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <ranges>
#include <set>

namespace nvccd::kubernetes {
namespace {

template <typename Range>
bool contains(const Range& range, const std::string& text) {
  return std::ranges::find(range, text) != range.end();
}

std::unexpected<Refusal> refuse(std::string reason) {
  return std::unexpected(Refusal{std::move(reason)});
}

std::size_t size_of_set(const Units& units) {
  return static_cast<std::size_t>(std::ranges::count_if(units, &Unit::in_set));
}

// "nvidia.com/nvswitch: 4, nvidia.com/pgpu: 8"
std::string whole_set(const Advertisement& advertisement) {
  std::vector<std::string> parts;
  for (const auto& [resource, units] : advertisement.resources)
    if (const auto count = size_of_set(units); count > 0)
      parts.push_back(fmt::format("{}: {}", resource, count));
  return fmt::format("{}", fmt::join(parts, ", "));
}

// The units of one container.
std::expected<std::vector<const Unit*>, Refusal> find_units(const Units& units, const Ids& ids,
                                                            std::set<std::string_view>& taken) {
  std::vector<const Unit*> chosen;
  for (const std::string& id : ids) {
    const auto unit = std::ranges::find(units, id, &Unit::id);
    if (unit == units.end()) return refuse(fmt::format("there is no device {} any more", id));
    if (!unit->healthy()) return refuse(fmt::format("device {} cannot be used now: {}", id, unit->problem));
    if (!taken.insert(unit->id).second) return refuse(fmt::format("device {} is asked for twice", id));
    chosen.push_back(&*unit);
  }
  return chosen;
}

std::vector<std::string> nodes_of(const std::vector<const Unit*>& chosen) {
  std::vector<std::string> nodes;
  for (const Unit* unit : chosen)
    for (const std::string& node : unit->nodes)
      if (!contains(nodes, node)) nodes.push_back(node);  // /dev/vfio/vfio is of every unit
  return nodes;
}

// ---- preference ----

constexpr int no_numa_node = -1;

int numa_node_of(const Units& units, const std::string& id) {
  const auto unit = std::ranges::find(units, id, &Unit::id);
  return unit == units.end() || unit->numa_nodes.empty() ? no_numa_node : unit->numa_nodes.front();
}

}  // namespace

std::expected<std::vector<std::vector<std::string>>, Refusal> allocate(const Advertisement& advertisement,
                                                                       std::string_view resource,
                                                                       std::span<const Ids> requests) {
  const auto found = advertisement.resources.find(std::string(resource));
  if (found == advertisement.resources.end())
    return refuse(fmt::format("nvccd has no device that counts as {} now", resource));
  const Units& units = found->second;

  std::vector<std::vector<std::string>> answers;
  std::set<std::string_view> taken;
  for (const Ids& ids : requests) {
    const auto chosen = find_units(units, ids, taken);
    if (!chosen) return std::unexpected(chosen.error());
    const auto of_set = std::ranges::count_if(*chosen, [](const Unit* unit) { return unit->in_set; });
    if (of_set > 0 && static_cast<std::size_t>(of_set) != size_of_set(units))
      return refuse(
          fmt::format("this node is in mode ppcie, in which all its GPUs and NVSwitches go to one container "
                      "together: ask for {}",
                      whole_set(advertisement)));
    answers.push_back(nodes_of(*chosen));
  }
  return answers;
}

std::expected<Ids, Refusal> prefer(const Units& units, const Preference& preference) {
  Ids chosen = preference.must_include;
  if (chosen.size() > preference.size)
    return refuse(fmt::format("{} devices must be among {}", chosen.size(), preference.size));

  // What is left to choose from, by NUMA node. The order of the units makes the answer the same every time.
  std::map<int, Ids> free;
  for (const Unit& unit : units)
    if (contains(preference.available, unit.id) && !contains(chosen, unit.id))
      free[unit.numa_nodes.empty() ? no_numa_node : unit.numa_nodes.front()].push_back(unit.id);

  std::set<int> near;
  for (const std::string& id : chosen)
    near.insert(numa_node_of(units, id));

  while (chosen.size() < preference.size) {
    const std::size_t wanted = preference.size - chosen.size();
    // Smaller is better: a node that is near, else the smallest that is enough, else the largest.
    const auto rank = [&](const auto& entry) {
      const auto& [numa_node, ids] = entry;
      const bool enough = ids.size() >= wanted;
      const auto size = static_cast<std::ptrdiff_t>(ids.size());
      return std::tuple(!near.contains(numa_node), !enough, enough ? size : -size);
    };
    const auto best = std::ranges::min_element(free, {}, rank);
    if (best == free.end())
      return refuse(fmt::format("{} devices were asked for, and {} are there to choose from", preference.size,
                                chosen.size()));
    Ids& ids = best->second;
    const auto count = static_cast<std::ptrdiff_t>(std::min(wanted, ids.size()));
    std::ranges::move(ids.begin(), ids.begin() + count, std::back_inserter(chosen));
    free.erase(best);
  }
  return chosen;
}

}  // namespace nvccd::kubernetes
