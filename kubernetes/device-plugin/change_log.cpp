#include "kubernetes/device-plugin/change_log.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace nvccd::kubernetes {
namespace {

const Units& units_of(const Advertisement& advertisement, const std::string& resource) {
  static const Units none;
  const auto found = advertisement.resources.find(resource);
  return found == advertisement.resources.end() ? none : found->second;
}

const Unit* find(const Units& units, const std::string& id) {
  const auto found = std::ranges::find(units, id, &Unit::id);
  return found == units.end() ? nullptr : &*found;
}

}  // namespace

void log_changes(const Advertisement& before, const Advertisement& now) {
  for (const auto& [resource, units] : now.resources)
    for (const Unit& unit : units) {
      const Unit* old = find(units_of(before, resource), unit.id);
      if (old != nullptr && old->problem == unit.problem) continue;
      if (unit.healthy())
        spdlog::info("{} {} can be used", resource, unit.id);
      else
        spdlog::info("{} {} cannot be used: {}", resource, unit.id, unit.problem);
    }
  for (const auto& [resource, units] : before.resources)
    for (const Unit& unit : units)
      if (find(units_of(now, resource), unit.id) == nullptr) spdlog::info("{} {} is gone", resource, unit.id);
  for (const std::string& refused : now.refused)
    if (std::ranges::find(before.refused, refused) == before.refused.end()) spdlog::error("{}", refused);
}

}  // namespace nvccd::kubernetes
