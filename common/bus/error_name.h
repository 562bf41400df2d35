// The D-Bus name of every kind of error.
#pragma once

#include <optional>
#include <string_view>

#include "common/model/error.h"

namespace nvccd::dbus {

const char* error_name(ErrorKind kind);

// nullopt for names that are not ours.
std::optional<ErrorKind> parse_error_name(std::string_view name);

}  // namespace nvccd::dbus
