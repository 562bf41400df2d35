#include "daemon/publish/journal.h"

// Where in the source an entry was made is of no use to anybody here.
#define SD_JOURNAL_SUPPRESS_LOCATION

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

namespace nvccd {
namespace {

int priority(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return LOG_DEBUG;
    case spdlog::level::warn:
      return LOG_WARNING;
    case spdlog::level::err:
      return LOG_ERR;
    case spdlog::level::critical:
      return LOG_CRIT;
    default:
      return LOG_INFO;
  }
}

}  // namespace

std::vector<std::string> journal_fields(const LogEntry& entry) {
  std::vector<std::string> fields{fmt::format("MESSAGE={}", entry.message),
                                  fmt::format("PRIORITY={}", priority(entry.level)),
                                  "SYSLOG_IDENTIFIER=nvccd"};
  if (!entry.message_id.empty()) fields.push_back(fmt::format("MESSAGE_ID={}", entry.message_id));
  for (const auto& device : entry.devices)
    fields.push_back(fmt::format("NVCCD_DEVICE={}", to_string(device)));
  if (entry.job) fields.push_back(fmt::format("NVCCD_JOB={}", *entry.job));
  if (entry.phase) fields.push_back(fmt::format("NVCCD_PHASE={}", to_string(*entry.phase)));
  return fields;
}

void write_to_journal(const LogEntry& entry) {
  if (!spdlog::should_log(entry.level)) return;
  auto fields = journal_fields(entry);
  std::vector<iovec> parts;
  for (auto& field : fields)
    parts.push_back({.iov_base = field.data(), .iov_len = field.size()});
  // There is nowhere to say that the journal does not take it.
  (void)sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

void write_to_terminal(const LogEntry& entry) {
  spdlog::log(entry.level, "{}", entry.message);
}

}  // namespace nvccd
