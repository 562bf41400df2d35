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
  std::string name;         // D-Bus error name
  std::string message;      // for people
  std::string advice = {};  // what to do next, where the message does not say it
};

template <typename T = void>
using ClientResult = std::expected<T, ClientError>;

ExitStatus exit_status(std::string_view error_name);

}  // namespace nvccd::client
