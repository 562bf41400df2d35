#include "kubernetes/node-agent/call_result.h"

#include <systemd/sd-bus.h>

#include "common/bus/error_name.h"

namespace nvccd::agent {

CallError::Kind kind_of_error(std::string_view name) {
  const auto kind = parse_enum<ErrorKind>(name);
  if (kind == ErrorKind::device_busy) return CallError::Kind::in_use;
  if (kind == ErrorKind::not_supported || kind == ErrorKind::invalid_mode ||
      name == SD_BUS_ERROR_ACCESS_DENIED || name == SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED)
    return CallError::Kind::refused;
  return CallError::Kind::passing;
}

}  // namespace nvccd::agent
