#include "preflight/kubernetes_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "common/formats/paths.h"

namespace nvccd::preflight {
namespace {

// "NAMESPACE_NAME_UID", with the names that its chart and its manifests give.
bool is_feature_worker(const std::string& pod) {
  return pod.contains("node-feature-discovery-worker") || pod.contains("nfd-worker");
}

}  // namespace

bool has_kubernetes(const HostView& host) {
  for (const auto* path : {"/var/lib/kubelet", "/etc/rancher", "/var/lib/k0s"})
    if (!host.list(path).empty()) return true;
  // nvccd itself makes the directory of node-feature-discovery.
  auto configuration = host.list("/etc/kubernetes");
  std::erase(configuration, "node-feature-discovery");
  return !configuration.empty() || service_runs(host, "kubelet.service");
}

KubernetesNode look_at_kubernetes(const HostView& host,
                                  const std::optional<std::vector<Process>>& processes) {
  KubernetesNode node{.kubelet = read_kubelet(host, processes)};
  node.has_pod_resources_socket = host.has(pod_resources_socket);
  node.runtime = read_container_runtime(
      host, processes,
      node.kubelet ? node.kubelet->settings.find("containerRuntimeEndpoint").value_or("") : "");
  if (host.has(kata_version_file)) {
    auto text = host.read(kata_version_file, 100).value_or("");
    text.resize(std::min(text.size(), text.find_first_of(" \n")));
    node.kata_version = std::move(text);
  }
  node.has_node_features_directory =
      host.has(std::filesystem::path(paths::node_feature_dir).parent_path().string());
  node.has_node_features_worker = std::ranges::any_of(host.list("/var/log/pods"), is_feature_worker);
  node.reads_local_features = host.has(paths::node_feature_dir);
  return node;
}

}  // namespace nvccd::preflight
