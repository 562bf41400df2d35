// nvccd's own files, as other programs see them.
#pragma once

#include <optional>
#include <string>

#include "common/formats/paths.h"
#include "common/formats/state_file.h"
#include "preflight/host_view.h"

namespace nvccd::preflight {

struct OwnFiles {
  bool starts_at_boot = false;
  std::string state_file = paths::state_file;
  std::optional<Result<PublishedState>> state = {};  // nullopt: there is no such file
};

OwnFiles look_at_own_files(const HostView& host, const std::string& state_file);

}  // namespace nvccd::preflight
