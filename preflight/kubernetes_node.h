// What this host is as a node of a Kubernetes cluster.
#pragma once

#include "preflight/container_runtime.h"
#include "preflight/kubelet.h"

namespace nvccd::preflight {

inline constexpr auto pod_resources_socket = "/var/lib/kubelet/pod-resources/kubelet.sock";
inline constexpr auto kata_version_file = "/opt/kata/VERSION";

struct KubernetesNode {
  Result<Kubelet> kubelet = {};
  bool has_pod_resources_socket = false;
  Result<ContainerRuntime> runtime = {};
  std::optional<std::string> kata_version =
      {};  // how kata_version_file begins; nullopt: there is no such file
  // About node-feature-discovery.
  bool has_node_features_directory = false;
  bool has_node_features_worker = false;
  bool reads_local_features = false;
};

// Whether anything of Kubernetes is on this host.
bool has_kubernetes(const HostView& host);

KubernetesNode look_at_kubernetes(const HostView& host, const std::optional<std::vector<Process>>& processes);

}  // namespace nvccd::preflight
