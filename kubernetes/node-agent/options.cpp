#include "kubernetes/node-agent/options.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "common/base/command_line.h"

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
  add_path_option(app, "--runtime-dir", options.runtime_dir,
                  "Where the device plugin is told to offer no device", "DIR");
  add_path_option(app, "--state-dir", options.state_dir, "Where it is kept which mode the label has set",
                  "DIR");
  add_log_level_option(app, options.log_level);
  if (const auto status = parse_command_line(app, argc, argv)) return *status;
  if (options.node_name.empty()) options.node_name = host_name();
  if (options.operator_namespace.empty()) options.operator_namespace = "gpu-operator";
  options.kubeconfig = kubeconfig;
  return options;
}

}  // namespace nvccd::agent
