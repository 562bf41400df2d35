// One line of the log, with what a program can select it by.
#pragma once

#include <spdlog/common.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/node.h"

namespace nvccd {

// The kinds of entries that conf/nvccd.catalog explains (journalctl -x).
namespace message_id {
inline constexpr std::string_view change_begun = "caf9a9b03e064bffba0cb9f25ea53207";
inline constexpr std::string_view change_done = "3482abf11e5b4bcb9acf2245a8afe243";
inline constexpr std::string_view change_failed = "d4d53221cf154dbb831e33717f861b6e";
inline constexpr std::string_view device_bound = "6b4aad98eb5f49abb8786deeecc24e38";
inline constexpr std::string_view device_gone = "0643f0db317145fbb1ada38d25460ddf";
inline constexpr std::string_view device_failed = "5b581b1edd7b4ef1847b21e209b9c52c";
inline constexpr std::string_view node_ready = "cae1bf3de1c745cd881d7dbae90315eb";
inline constexpr std::string_view node_not_ready = "b5467ef8a34f4a0eb866731a9fee19d4";
}  // namespace message_id

struct LogEntry {
  spdlog::level::level_enum level = spdlog::level::info;
  std::string message;
  std::vector<PciAddress> devices = {};
  std::optional<JobId> job = {};
  std::optional<JobPhase> phase = {};
  std::string_view message_id = {};  // "" where the text says it all
};

using LogWriter = std::function<void(const LogEntry&)>;

}  // namespace nvccd
