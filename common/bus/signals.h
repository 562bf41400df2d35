// The signals of nvccd, and the signal that nvccd has come or left; read in one place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "common/bus/managed_objects.h"
#include "common/bus/word.h"
#include "common/model/node.h"

namespace nvccd::client {

// Rules for sd_bus_add_match.
inline constexpr const char* object_signals =
    "type='signal',sender='org.nvccd1',path_namespace='/org/nvccd1'";
inline constexpr const char* owner_signals =
    "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',"
    "arg0='org.nvccd1'";

struct ObjectAdded {
  std::string path;
  Interfaces interfaces;
};
struct ObjectRemoved {
  std::string path;
};
struct PropertiesChanged {
  std::string path;
  std::string interface;
  PropertyMap properties;  // the new values of the properties that changed
};
struct JobEnded {
  std::uint32_t id = 0;
  std::string path;
  Word<JobState> result;  // done, failed or cancelled
};
// Both are true when one nvccd took the place of another.
struct OwnerChanged {
  bool left = false;
  bool came = false;
};
using Signal = std::variant<ObjectAdded, ObjectRemoved, PropertiesChanged, JobEnded, OwnerChanged>;

// Reads a message that the rules above match. nullopt: a signal that is not ours, or not as it should be.
std::optional<Signal> parse_signal(sd_bus_message* message);

}  // namespace nvccd::client
