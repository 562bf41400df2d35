// Why a command did not succeed, and the exit status that says so to scripts.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace nvccd::client {

enum class ExitStatus {
  done = 0,
  failed = 1,
  usage = 2,
  device_busy = 3,
  not_supported = 4,
  not_reachable = 5,
  not_authorised = 6,
};

struct ClientError {
  ExitStatus status = ExitStatus::failed;
  std::string message;        // for people
  std::string advice = {};    // what to do next, where the message does not say it
  std::string bus_name = {};  // D-Bus error name, of an error that came from the bus
};

template <typename T = void>
using ClientResult = std::expected<T, ClientError>;

// Of an error that came from the bus.
ExitStatus exit_status(std::string_view bus_name);
ClientError bus_error(std::string bus_name, std::string message, std::string advice = {});

}  // namespace nvccd::client
