// What happened to the emulated hardware, a JSON object a line:
//   {"time_us": 1234, "device": "gpu0", "event": "reset", "details": {"kind": "bus"}}
// time_us is CLOCK_MONOTONIC in microseconds and grows with every line; device is "" for the server itself.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "tests/emulator/clock.h"

namespace emulator::server {

using Details = std::map<std::string, std::string>;

class EventLog {
 public:
  // Appends to the file, so that what a server before this one saw is kept.
  static std::expected<EventLog, std::string> open(const std::filesystem::path& file, const Clock& clock);

  void write(std::string_view device, std::string_view event, const Details& details = {});

 private:
  EventLog(nvccd::UniqueFd fd, const Clock& clock) : fd_(std::move(fd)), clock_(&clock) {}

  nvccd::UniqueFd fd_;
  const Clock* clock_;
  std::int64_t last_time_ = 0;  // microseconds
};

}  // namespace emulator::server
