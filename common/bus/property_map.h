// The properties of a bus object as they come in messages.
#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace nvccd::client {

using PropertyValue =
    std::variant<bool, std::int64_t, std::uint64_t, double, std::string, std::vector<std::string>>;
using PropertyMap = std::map<std::string, PropertyValue, std::less<>>;

// Reads the a{sv} at the message's position into `properties`, over what is there already. A value of an
// unknown type is left out: a newer daemon may send such values. Negative errno when the message is not as it
// should be.
int read_properties(sd_bus_message* message, PropertyMap& properties);

// The property, or a default value when it is missing or of another type.
template <typename T>
T get(const PropertyMap& properties, std::string_view name) {
  const auto place = properties.find(name);
  if (place == properties.end()) return T{};
  const T* value = std::get_if<T>(&place->second);
  return value ? *value : T{};
}

}  // namespace nvccd::client
