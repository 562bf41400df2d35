#include "kubernetes/node-agent/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>

namespace nvccd::agent {
namespace {

// As the kubelet names its node unless it is told otherwise.
std::string host_name() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) < 0) return "";
  std::string lower = name;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

}  // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
  Options options;
  std::string kubeconfig;
  std::string runtime_dir = options.runtime_dir.string();
  std::string state_dir = options.state_dir.string();

  CLI::App app{
      "Lets the label nvidia.com/cc.mode of a Kubernetes node set the Confidential Computing mode of its "
      "devices through nvccd, and tells the cluster of the outcome.",
      "nvccd-node-agent"};
  app.set_version_flag("--version", std::string("nvccd-node-agent " NVCCD_VERSION));
  app.add_option("--node-name", options.node_name, "Name of this node (default: the host's name)")
      ->type_name("NAME")
      ->envname("NODE_NAME");
  app.add_option("--kubeconfig", kubeconfig,
                 "How to reach the API server (default: the service account of this pod)")
      ->type_name("FILE");
  app.add_option("--operator-namespace", options.operator_namespace, "Namespace of the GPU operator")
      ->type_name("NAME")
      ->envname("OPERATOR_NAMESPACE")
      ->default_str("gpu-operator");
  app.add_option("--bus", options.bus, "D-Bus address of nvccd (default: the system bus)")
      ->type_name("ADDRESS");
  app.add_option("--runtime-dir", runtime_dir, "Where the device plugin is told to offer no device")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--state-dir", state_dir, "Where it is kept which mode the label has set")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "debug, info, warning or error")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.node_name.empty()) options.node_name = host_name();
  if (options.operator_namespace.empty()) options.operator_namespace = "gpu-operator";
  options.kubeconfig = kubeconfig;
  options.runtime_dir = runtime_dir;
  options.state_dir = state_dir;
  return options;
}

}  // namespace nvccd::agent
