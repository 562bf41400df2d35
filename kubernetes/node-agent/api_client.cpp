#include "kubernetes/node-agent/api_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "kubernetes/node-agent/object_meta.h"

namespace nvccd::agent {
namespace {

// Without them an object of a node has some ten thousand bytes of images and conditions that nobody reads
// here.
constexpr auto metadata_only =
    "Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,"
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

std::string_view name(ApiClient::Patch kind) {
  return kind == ApiClient::Patch::merge ? "merge-patch" : "strategic-merge-patch";
}

std::string describe(const HttpResponse& response) {
  std::string message = status_message(response.body);
  if (response.status >= 300 && response.status < 400)
    message = "the API server redirects, which is not followed";
  else if (response.status == 401)
    message = "the API server does not know us: the token or certificate was not accepted";
  else if (message.empty())
    message = "no message";
  return fmt::format("{} ({})", message.substr(0, 512), response.status);
}

}  // namespace

Result<std::unique_ptr<ApiClient>> ApiClient::create(sd_event* event, ClusterConfig config) {
  auto http = HttpClient::create(event, config.endpoint);
  if (!http) return std::unexpected(http.error());
  return std::unique_ptr<ApiClient>(new ApiClient(std::move(config), *std::move(http)));
}

HttpClient::TransferPtr ApiClient::get(std::string target, Done done) {
  return start({.target = std::move(target), .headers = {metadata_only}}, std::move(done));
}

HttpClient::TransferPtr ApiClient::stream(std::string target, Duration limit, HttpClient::Stream stream,
                                          Done done) {
  return start({.target = std::move(target), .headers = {metadata_only}, .limit = limit}, std::move(done),
               std::move(stream));
}

HttpClient::TransferPtr ApiClient::patch(std::string target, Patch kind, std::string body, Done done) {
  return start({.method = "PATCH",
                .target = std::move(target),
                .headers = {metadata_only, fmt::format("Content-Type: application/{}+json", name(kind))},
                .body = std::move(body)},
               std::move(done));
}

HttpClient::TransferPtr ApiClient::post(std::string target, std::string body, Done done) {
  return start({.method = "POST",
                .target = std::move(target),
                .headers = {metadata_only, "Content-Type: application/json"},
                .body = std::move(body)},
               std::move(done));
}

HttpClient::TransferPtr ApiClient::start(HttpRequest request, Done done, HttpClient::Stream stream) {
  request.headers.emplace_back("User-Agent: nvccd-node-agent/" NVCCD_VERSION);
  // Read for every request: a token is replaced long before it ends.
  if (const std::string token = config_.token(); !token.empty())
    request.headers.push_back("Authorization: Bearer " + token);
  return http_->start(
      std::move(request),
      [done = std::move(done)](Result<HttpResponse> response) {
        if (!response)
          done(std::unexpected(ApiError{.message = response.error().message()}));
        else if (response->status < 200 || response->status >= 300)
          done(std::unexpected(ApiError{response->status, describe(*response), response->retry_after}));
        else
          done(std::move(response->body));
      },
      std::move(stream));
}

std::string url_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) || std::string_view("-_.~").contains(c))
      encoded += c;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return encoded;
}

}  // namespace nvccd::agent
