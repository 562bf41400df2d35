#include "common/bus/managed_objects.h"

namespace nvccd::client {

int read_interfaces(sd_bus_message* message, Interfaces& interfaces) {
  int r = sd_bus_message_enter_container(message, 'a', "{sa{sv}}");
  while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sa{sv}")) > 0) {
    const char* name = nullptr;
    r = sd_bus_message_read(message, "s", &name);
    if (r >= 0) r = read_properties(message, interfaces[name]);
    if (r >= 0) r = sd_bus_message_exit_container(message);
  }
  return r < 0 ? r : sd_bus_message_exit_container(message);
}

int read_objects(sd_bus_message* message, ManagedObjects& objects) {
  int r = sd_bus_message_enter_container(message, 'a', "{oa{sa{sv}}}");
  while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "oa{sa{sv}}")) > 0) {
    const char* path = nullptr;
    r = sd_bus_message_read(message, "o", &path);
    if (r >= 0) r = read_interfaces(message, objects[path]);
    if (r >= 0) r = sd_bus_message_exit_container(message);
  }
  return r < 0 ? r : sd_bus_message_exit_container(message);
}

}  // namespace nvccd::client
