#include "client/client_error.h"

#include <systemd/sd-bus.h>

#include <utility>

#include "common/bus/error_name.h"

namespace nvccd::client {
namespace {

ExitStatus exit_status_of_kind(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_mode:
      return ExitStatus::usage;
    case ErrorKind::device_busy:
      return ExitStatus::device_busy;
    case ErrorKind::not_supported:
      return ExitStatus::not_supported;
    default:
      return ExitStatus::failed;
  }
}

}  // namespace

ExitStatus exit_status(std::string_view bus_name) {
  if (const auto kind = parse_enum<ErrorKind>(bus_name)) return exit_status_of_kind(*kind);
  for (const char* name : {SD_BUS_ERROR_ACCESS_DENIED, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED})
    if (bus_name == name) return ExitStatus::not_authorised;
  for (const char* name :
       {SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER, SD_BUS_ERROR_NO_REPLY,
        SD_BUS_ERROR_TIMEOUT, SD_BUS_ERROR_DISCONNECTED, SD_BUS_ERROR_NO_SERVER})
    if (bus_name == name) return ExitStatus::not_reachable;
  if (bus_name == SD_BUS_ERROR_INVALID_ARGS) return ExitStatus::usage;
  return ExitStatus::failed;
}

ClientError bus_error(std::string bus_name, std::string message, std::string advice) {
  return {exit_status(bus_name), std::move(message), std::move(advice), std::move(bus_name)};
}

}  // namespace nvccd::client
