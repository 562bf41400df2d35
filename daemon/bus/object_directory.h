// All bus objects of one kind, below one path: found, enumerated and announced by what is in a map.
#pragma once

#include <cstdlib>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "common/base/event.h"
#include "daemon/bus/property.h"
#include "daemon/bus/signal.h"

namespace nvccd::dbus {

// T has published() and publish(value), and its class says interface, vtable() and properties().
template <typename T>
class ObjectDirectory {
 public:
  using Value = PublishedBy<T>;

  explicit ObjectDirectory(sd_bus* bus) : bus_(bus) {}
  ObjectDirectory(const ObjectDirectory&) = delete;
  ObjectDirectory& operator=(const ObjectDirectory&) = delete;

  // Below `prefix` is one object for every entry from now on. Negative errno on failure.
  int attach(const char* prefix) {
    if (const int r = sd_bus_add_fallback_vtable(bus_, out(vtable_slot_), prefix, T::interface, T::vtable(),
                                                 callback<&ObjectDirectory::find>, this);
        r < 0)
      return r;
    return sd_bus_add_node_enumerator(bus_, out(enumerator_slot_), prefix,
                                      callback<&ObjectDirectory::enumerate>, this);
  }

  // Adds an object without a signal: for those that are there before anybody can look.
  void insert(const std::string& path, T object) {
    Value signalled = object.published();
    objects_.insert_or_assign(path, Entry{std::move(object), std::move(signalled)});
  }

  void add(const std::string& path, T object) {
    insert(path, std::move(object));
    expect_sent(sd_bus_emit_object_added(bus_, path.c_str()), path);
  }

  // Readers get the new value from now on; signal_changes() tells of it.
  void update(const std::string& path, const Value& value) {
    const auto place = objects_.find(path);
    if (place != objects_.end()) place->second.object.publish(value);
  }

  // One PropertiesChanged for each object that differs from what was signalled of it last.
  void signal_changes() {
    for (auto& [path, entry] : objects_) {
      const Value& now = entry.object.published();
      if (entry.signalled == now) continue;
      emit_changed(bus_, path, T::interface, changed_properties<T>(T::properties(), entry.signalled, now));
      entry.signalled = now;
    }
  }

  void remove(const std::string& path) {
    if (!objects_.contains(path)) return;
    expect_sent(sd_bus_emit_object_removed(bus_, path.c_str()), path);  // while it can still be found
    objects_.erase(path);
  }

 private:
  struct Entry {
    T object;
    Value signalled;
  };

  int find(sd_bus*, const char* path, const char*, void** found) {
    const auto place = objects_.find(path);
    if (place == objects_.end()) return 0;
    *found = &place->second.object;
    return 1;
  }

  // sd-bus frees the list and its strings with free().
  int enumerate(sd_bus*, const char*, char*** ret_nodes) {
    auto** nodes = static_cast<char**>(std::calloc(objects_.size() + 1, sizeof(char*)));
    if (!nodes) return -ENOMEM;
    char** end = nodes;
    for (const auto& [path, entry] : objects_) {
      *end = ::strdup(path.c_str());
      if (*end++) continue;
      for (char** node = nodes; *node; ++node)
        std::free(*node);
      std::free(static_cast<void*>(nodes));
      return -ENOMEM;
    }
    *ret_nodes = nodes;
    return 0;
  }

  sd_bus* bus_;
  std::map<std::string, Entry, std::less<>> objects_;
  BusSlotPtr vtable_slot_;
  BusSlotPtr enumerator_slot_;
};

}  // namespace nvccd::dbus
