#include "event_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace emulator::server {

std::expected<EventLog, std::string> EventLog::open(const std::filesystem::path& file, const Clock& clock) {
  nvccd::UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!fd) return std::unexpected(fmt::format("open {}: {}", file.string(), std::strerror(errno)));
  return EventLog(std::move(fd), clock);
}

void EventLog::write(std::string_view device, std::string_view event, const Details& details) {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(clock_->now()).count();
  last_time_ = std::max<std::int64_t>(now, last_time_ + 1);
  const nlohmann::ordered_json entry = {
      {"time_us", last_time_}, {"device", device}, {"event", event}, {"details", details}};
  // One write a line: a reader sees whole lines, and a server that is killed loses none.
  const std::string line = entry.dump() + "\n";
  [[maybe_unused]] const auto written = ::write(fd_.get(), line.data(), line.size());
}

}  // namespace emulator::server
