#include "client/absence.h"

#include <cstdlib>
#include <memory>

#include "common/base/event.h"

namespace nvccd::client {
namespace {

std::string unit_property(sd_bus* bus, const char* name) {
  BusError error;
  std::unique_ptr<char, CallDeleter<std::free>> text;
  if (sd_bus_get_property_string(bus, "org.freedesktop.systemd1",
                                 "/org/freedesktop/systemd1/unit/nvccd_2eservice",
                                 "org.freedesktop.systemd1.Unit", name, error.get(), out(text)) < 0)
    return "";
  return text.get();
}

}  // namespace

ServiceState ask_systemd(sd_bus* bus) {
  ServiceState service{.load = unit_property(bus, "LoadState")};
  if (service.load.empty()) return service;
  service.active = unit_property(bus, "ActiveState");
  service.sub = unit_property(bus, "SubState");
  service.file = unit_property(bus, "UnitFileState");
  return service;
}

std::string explain_absence(const ServiceState& service) {
  if (service.load == "not-found")
    return "nvccd is not running, and systemd has no nvccd.service: install nvccd";
  if (service.load == "masked")
    return "nvccd is masked: systemctl unmask nvccd, then systemctl enable --now nvccd";
  if (service.active == "failed" || service.sub == "auto-restart")
    return "nvccd has failed: journalctl -u nvccd says why, systemctl restart nvccd tries again";
  if (service.active == "activating")
    return "nvccd is starting: try again in a moment, or see systemctl status nvccd";
  if (service.file == "disabled") return "nvccd is not running: systemctl enable --now nvccd";
  return "nvccd is not running: systemctl start nvccd";
}

}  // namespace nvccd::client
