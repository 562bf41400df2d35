// nvccd's own files, as other programs see them.
#pragma once

#include <map>

#include "preflight/host_view.h"

namespace nvccd::preflight {

inline constexpr auto default_state_file = "/run/nvccd/state.json";

// What is compared of a state, by address: "on ready", the mode and the state.
using StateOfDevices = std::map<std::string, std::string>;

struct StateFile {
  std::uint64_t generation = 0;
  StateOfDevices devices;
};

struct OwnFiles {
  bool starts_at_boot = false;
  std::string state_file = default_state_file;
  std::optional<Result<StateFile>> state = {};  // nullopt: there is no such file
};

OwnFiles look_at_own_files(const HostView& host, const std::string& state_file);

}  // namespace nvccd::preflight
