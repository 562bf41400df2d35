#include "preflight/kernel_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <sstream>

#include "common/base/fd.h"

namespace nvccd::preflight {
namespace {

constexpr auto kmsg = "/dev/kmsg";
// The largest buffer that the kernel's settings allow.
constexpr std::size_t max_size = 32 << 20;
// The kernel refuses a read into less than a whole record, and no record is longer.
constexpr std::size_t max_record = 8192;

// "4,1234,567890,-;text": priority (facility * 8 + level), number, time, flags. Lines that begin with a space
// are keys and values of the record above. What programs wrote into the log has another facility than 0.
std::optional<KernelMessage> parse_record(std::string_view line) {
  constexpr unsigned lowest_level = 7;
  unsigned priority = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), priority);
  const auto text = line.find(';');
  if (error != std::errc() || text == line.npos || *end != ',' || priority > lowest_level)
    return std::nullopt;
  return KernelMessage{static_cast<int>(priority), std::string(line.substr(text + 1))};
}

}  // namespace

Result<std::vector<KernelMessage>> read_kernel_log(const HostView& host) {
  const UniqueFd fd(::open(host.path(kmsg).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return std::unexpected(system_error("cannot open the kernel log", errno));
  std::string records;
  std::array<char, max_record> buffer;
  while (records.size() < max_size) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    // EPIPE: a record was overwritten before it was read; the next read goes on behind it.
    if (got < 0 && (errno == EINTR || errno == EPIPE)) continue;
    if (got < 0 && errno != EAGAIN) return std::unexpected(system_error("cannot read the kernel log", errno));
    if (got <= 0) break;
    records.append(buffer.data(), static_cast<std::size_t>(got));
  }
  std::vector<KernelMessage> messages;
  std::istringstream lines(records);
  for (std::string line; std::getline(lines, line);)
    if (auto message = parse_record(line)) messages.push_back(std::move(*message));
  return messages;
}

}  // namespace nvccd::preflight
