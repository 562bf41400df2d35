// The command line of nvccd-device-plugin.
#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "common/formats/paths.h"

namespace nvccd::kubernetes {

struct Options {
  std::filesystem::path state_file = paths::state_file;
  std::filesystem::path withdraw_file = paths::withdrawal_file;
  std::filesystem::path kubelet_dir = "/var/lib/kubelet/device-plugins";
  std::string log_level = "info";
};

// The options, or the exit status when there is nothing more to do (--help, --version, wrong usage).
std::variant<Options, int> parse_options(int argc, char** argv);

}  // namespace nvccd::kubernetes
