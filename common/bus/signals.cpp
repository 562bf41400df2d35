#include "common/bus/signals.h"

#include <utility>

#include "common/bus/names.h"

namespace nvccd::client {
namespace {

constexpr const char* object_manager = "org.freedesktop.DBus.ObjectManager";
constexpr const char* properties_interface = "org.freedesktop.DBus.Properties";
constexpr const char* bus_interface = "org.freedesktop.DBus";

std::optional<Signal> parse_added(sd_bus_message* message) {
  const char* path = nullptr;
  Interfaces interfaces;
  if (sd_bus_message_read(message, "o", &path) < 0 || read_interfaces(message, interfaces) < 0)
    return std::nullopt;
  return ObjectAdded{path, std::move(interfaces)};
}

std::optional<Signal> parse_removed(sd_bus_message* message) {
  const char* path = nullptr;
  if (sd_bus_message_read(message, "o", &path) < 0) return std::nullopt;
  return ObjectRemoved{path};
}

std::optional<Signal> parse_changed(sd_bus_message* message) {
  const char* interface = nullptr;
  PropertyMap properties;
  if (sd_bus_message_read(message, "s", &interface) < 0 || read_properties(message, properties) < 0)
    return std::nullopt;
  return PropertiesChanged{sd_bus_message_get_path(message), interface, std::move(properties)};
}

std::optional<Signal> parse_ended(sd_bus_message* message) {
  std::uint32_t id = 0;
  const char *path = nullptr, *result = nullptr;
  if (sd_bus_message_read(message, "uos", &id, &path, &result) < 0) return std::nullopt;
  return JobEnded{id, path, Word<JobState>(result)};
}

std::optional<Signal> parse_owner(sd_bus_message* message) {
  const char *name = nullptr, *before = nullptr, *now = nullptr;
  if (sd_bus_message_read(message, "sss", &name, &before, &now) < 0) return std::nullopt;
  return OwnerChanged{.left = *before != '\0', .came = *now != '\0'};
}

}  // namespace

std::optional<Signal> parse_signal(sd_bus_message* message) {
  const auto is = [&](const char* interface, const char* member) {
    return sd_bus_message_is_signal(message, interface, member) > 0;
  };
  if (is(object_manager, "InterfacesAdded")) return parse_added(message);
  if (is(object_manager, "InterfacesRemoved")) return parse_removed(message);
  if (is(properties_interface, "PropertiesChanged")) return parse_changed(message);
  if (is(dbus::manager_interface, "JobRemoved")) return parse_ended(message);
  if (is(bus_interface, "NameOwnerChanged")) return parse_owner(message);
  return std::nullopt;
}

}  // namespace nvccd::client
