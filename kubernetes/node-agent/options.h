// The agent's command line.
#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "common/formats/paths.h"

namespace nvccd::agent {

struct Options {
  std::string node_name;             // default: $NODE_NAME, else the host's name
  std::filesystem::path kubeconfig;  // "": the service account of this pod
  std::string operator_namespace;    // where the GPU operator's operands run
  std::string bus;                   // "": the system bus
  std::filesystem::path runtime_dir = paths::kubernetes_runtime_dir;
  std::filesystem::path state_dir = paths::kubernetes_state_dir;
  std::string log_level = "info";
};

// The options, or the exit status when there is nothing more to do (--help, --version, wrong usage).
std::variant<Options, int> parse_options(int argc, char** argv);

}  // namespace nvccd::agent
