// The command line of nvccd-device-plugin.
#pragma once

#include <filesystem>
#include <string>
#include <variant>

namespace nvccd::kubernetes {

struct Options {
  std::filesystem::path state_file = "/run/nvccd/state.json";
  std::filesystem::path withdraw_file = "/run/nvccd-kubernetes/withdrawn";
  std::filesystem::path kubelet_dir = "/var/lib/kubelet/device-plugins";
  std::string log_level = "info";
};

// The options, or the exit status when there is nothing more to do (--help, --version, wrong usage).
std::variant<Options, int> parse_options(int argc, char** argv);

}  // namespace nvccd::kubernetes
