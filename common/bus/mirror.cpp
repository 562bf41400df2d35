#include "common/bus/mirror.h"

#include <algorithm>
#include <utility>

#include "common/bus/names.h"

namespace nvccd::client {
namespace {

void merge(PropertyMap& kept, const PropertyMap& changes) {
  for (const auto& [name, value] : changes)
    kept.insert_or_assign(name, value);
}

}  // namespace

void Mirror::clear() {
  manager_.clear();
  objects_.clear();
}

bool Mirror::apply(const Signal& signal) {
  if (const auto* added = std::get_if<ObjectAdded>(&signal)) {
    objects_.insert_or_assign(added->path, added->interfaces);
    return true;
  }
  if (const auto* removed = std::get_if<ObjectRemoved>(&signal)) return objects_.erase(removed->path) > 0;
  if (const auto* ended = std::get_if<JobEnded>(&signal)) return objects_.erase(ended->path) > 0;
  if (const auto* owner = std::get_if<OwnerChanged>(&signal)) {
    if (owner->left) clear();
    return true;
  }
  const auto& changed = std::get<PropertiesChanged>(signal);
  if (changed.path == dbus::manager_path && changed.interface == dbus::manager_interface) {
    merge(manager_, changed.properties);
    return true;
  }
  const auto object = objects_.find(changed.path);
  if (object == objects_.end()) return false;
  merge(object->second[changed.interface], changed.properties);
  return true;
}

const PropertyMap* Mirror::find(const std::string& path, const char* interface) const {
  const auto object = objects_.find(path);
  if (object == objects_.end()) return nullptr;
  const auto properties = object->second.find(interface);
  return properties != object->second.end() ? &properties->second : nullptr;
}

std::optional<DeviceView> Mirror::device(const std::string& path) const {
  const PropertyMap* properties = find(path, dbus::device_interface);
  return properties ? std::optional(to_device(*properties)) : std::nullopt;
}

std::optional<JobView> Mirror::job(const std::string& path) const {
  const PropertyMap* properties = find(path, dbus::job_interface);
  return properties ? std::optional(to_job(*properties)) : std::nullopt;
}

Snapshot Mirror::snapshot() const {
  Snapshot snapshot{.node = node(),
                    .devices = views(objects_, dbus::device_interface, to_device),
                    .jobs = views(objects_, dbus::job_interface, to_job)};
  std::ranges::sort(snapshot.devices, {}, &DeviceView::address);
  std::ranges::sort(snapshot.jobs, {}, &JobView::id);
  return snapshot;
}

}  // namespace nvccd::client
