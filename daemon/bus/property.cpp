#include "daemon/bus/property.h"

#include "daemon/bus/signal.h"

namespace nvccd::dbus {

void emit_changed(sd_bus* bus, const std::string& path, const char* interface,
                  std::vector<const char*> names) {
  if (names.empty()) return;
  names.push_back(nullptr);
  // The strings are only read; sd-bus asks for char** as C programs have it.
  char** list = const_cast<char**>(names.data());
  expect_sent(sd_bus_emit_properties_changed_strv(bus, path.c_str(), interface, list), path);
}

}  // namespace nvccd::dbus
