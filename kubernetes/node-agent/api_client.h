// Requests to the API server of the cluster: who we are, what we send, and what an answer means.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kubernetes/node-agent/cluster_config.h"
#include "kubernetes/node-agent/http_client.h"

namespace nvccd::agent {

// A request that did not succeed. Its message never holds credentials.
struct ApiError {
  long status = 0;  // 0: there was no answer
  std::string message;
  std::optional<Duration> retry_after = {};
};

template <typename T>
using ApiResult = std::expected<T, ApiError>;

class ApiClient {
 public:
  using Done = std::function<void(ApiResult<std::string> body)>;

  static Result<std::unique_ptr<ApiClient>> create(sd_event* event, ClusterConfig config);

  // As HttpClient::start(). The answers to the first four contain only metadata, where the server can do so.
  [[nodiscard]] HttpClient::TransferPtr get(std::string target, Done done);
  [[nodiscard]] HttpClient::TransferPtr list(std::string target, Done done);
  [[nodiscard]] HttpClient::TransferPtr watch(std::string target, Duration limit, HttpClient::Stream stream,
                                              Done done);
  [[nodiscard]] HttpClient::TransferPtr patch_metadata(std::string target, std::string body, Done done);
  [[nodiscard]] HttpClient::TransferPtr patch(std::string target, std::string body, Done done);
  [[nodiscard]] HttpClient::TransferPtr post(std::string target, std::string body, Done done);

 private:
  ApiClient(ClusterConfig config, std::unique_ptr<HttpClient> http)
      : config_(std::move(config)), http_(std::move(http)) {}
  HttpClient::TransferPtr start(HttpRequest request, Done done, HttpClient::Stream stream = {});

  ClusterConfig config_;
  std::unique_ptr<HttpClient> http_;
};

// Text as part of a path or a query.
std::string url_encoded(std::string_view text);

}  // namespace nvccd::agent
