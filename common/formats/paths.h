// Where the programs of this tree leave files for one another and for others.
#pragma once

namespace nvccd::paths {

// nvccd's own: one directory survives reboots, the other does not.
inline constexpr auto state_dir = "/var/lib/nvccd";
inline constexpr auto runtime_dir = "/run/nvccd";
inline constexpr auto state_file = "/run/nvccd/state.json";

// What each of the files in them is called.
inline constexpr auto node_mode_name = "node-mode";  // in both directories
inline constexpr auto state_name = "state.json";
inline constexpr auto metrics_name = "nvccd.prom";

// Directories of other programs, which read what nvccd puts there.
inline constexpr auto node_feature_dir = "/etc/kubernetes/node-feature-discovery/features.d";
inline constexpr auto node_feature_name = "nvccd";
inline constexpr auto cdi_dir = "/run/cdi";
inline constexpr auto cdi_dir_of_runtimes = "/var/run/cdi";  // the same, as runtimes are told of it

// Files of the programs for Kubernetes.
inline constexpr auto kubernetes_state_dir = "/var/lib/nvccd-kubernetes";
inline constexpr auto kubernetes_runtime_dir = "/run/nvccd-kubernetes";
inline constexpr auto withdrawal_file = "/run/nvccd-kubernetes/withdrawn";
inline constexpr auto withdrawal_name = "withdrawn";

}  // namespace nvccd::paths
