// A copy of nvccd's objects on the bus: read once, then kept up by its signals.
#pragma once

#include <optional>
#include <string>

#include "common/bus/managed_objects.h"
#include "common/bus/signals.h"
#include "common/bus/views.h"

namespace nvccd::client {

class Mirror {
 public:
  // The answers to the manager's GetAll and to GetManagedObjects. Each replaces what was there before.
  void set_manager(PropertyMap properties) { manager_ = std::move(properties); }
  void set_objects(ManagedObjects objects) { objects_ = std::move(objects); }
  void clear();

  // True when something has changed. Changes of an unknown object are left out: its properties come with an
  // answer that is under way. When nvccd has left there are no objects; when it has come they are to be read.
  bool apply(const Signal& signal);

  NodeView node() const { return to_node(manager_); }
  std::optional<DeviceView> device(const std::string& path) const;
  std::optional<JobView> job(const std::string& path) const;
  // Devices by address, jobs by number.
  Snapshot snapshot() const;

 private:
  const PropertyMap* find(const std::string& path, const char* interface) const;

  PropertyMap manager_;
  ManagedObjects objects_;
};

}  // namespace nvccd::client
