// The a{sv} of SetMode and ClearMode.
#pragma once

#include <systemd/sd-bus.h>

#include <expected>

#include "daemon/bus/call.h"
#include "daemon/engine/manager.h"

namespace nvccd::dbus {

// Reads the dictionary at the message's current position. A key that is not known, or that has not the type
// it should have, is an InvalidArgs error that names it.
std::expected<ModeOptions, CallError> read_mode_options(sd_bus_message* call);

}  // namespace nvccd::dbus
