// Why there is no nvccd on the bus, and what to do about it.
#pragma once

#include <systemd/sd-bus.h>

#include <string>

namespace nvccd::client {

// What systemd says of nvccd.service; all "" where there is no systemd to ask.
struct ServiceState {
  std::string load;    // "loaded", "not-found", "masked", ...
  std::string active;  // "inactive", "failed", "activating", ...
  std::string sub;     // "dead", "auto-restart", ...
  std::string file;    // "enabled", "disabled", ...
};

ServiceState ask_systemd(sd_bus* bus);

std::string explain_absence(const ServiceState& service);

}  // namespace nvccd::client
