// Where the API server is and how we prove who we are: a service account or a kubeconfig file.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "common/model/error.h"
#include "kubernetes/node-agent/endpoint.h"

namespace nvccd::agent {

struct ClusterConfig {
  Endpoint endpoint;
  std::filesystem::path token_file;  // wins over inline_token
  std::string inline_token;          // both empty: the client's certificate has to do

  // The token to be sent now; "" when there is none, or its file cannot be read. Never log it.
  std::string token() const;
};

// A pod's service account: `directory` is /var/run/secrets/kubernetes.io/serviceaccount, and the server is in
// the environment. Errors: ErrorKind::invalid_config.
Result<ClusterConfig> in_cluster_config(const std::filesystem::path& directory,
                                        const std::function<const char*(const char*)>& environment);

// The current context of a kubeconfig file. What we cannot do (credential plug-ins, proxies, connections
// that are not verified) is an error rather than left out. Errors: ErrorKind::invalid_config.
Result<ClusterConfig> read_kubeconfig(const std::filesystem::path& file);

// `text` as the content of such a file; relative paths in it start at `directory`.
Result<ClusterConfig> parse_kubeconfig(const std::string& text, const std::filesystem::path& directory);

}  // namespace nvccd::agent
