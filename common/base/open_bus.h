// Connecting to a message bus.
#pragma once

#include <expected>
#include <string>

#include "common/base/event.h"

namespace nvccd {

// The bus at an address; "" is the system bus, which DBUS_SYSTEM_BUS_ADDRESS may move. The error is an errno.
std::expected<BusPtr, int> open_bus(const std::string& address);

}  // namespace nvccd
