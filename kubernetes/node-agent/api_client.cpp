#include "kubernetes/node-agent/api_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "kubernetes/node-agent/object_meta.h"

namespace nvccd::agent {
namespace {

// Asks for metadata only: an object of a node has some ten thousand bytes of images and conditions that
// nobody reads here. A server takes the first form it knows, whether or not the answer can have it: the form
// of a list must not be asked for an object, nor the other way round.
constexpr auto accept_metadata =
    "Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
constexpr auto accept_metadata_list =
    "Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
constexpr auto accept_whole = "Accept: application/json";

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
  return start({.target = std::move(target), .headers = {accept_metadata}}, std::move(done));
}

HttpClient::TransferPtr ApiClient::list(std::string target, Done done) {
  return start({.target = std::move(target), .headers = {accept_metadata_list}}, std::move(done));
}

HttpClient::TransferPtr ApiClient::watch(std::string target, Duration limit, HttpClient::Stream stream,
                                         Done done) {
  return start({.target = std::move(target), .headers = {accept_metadata}, .limit = limit}, std::move(done),
               std::move(stream));
}

HttpClient::TransferPtr ApiClient::patch_metadata(std::string target, std::string body, Done done) {
  return start({.method = "PATCH",
                .target = std::move(target),
                .headers = {accept_metadata, "Content-Type: application/strategic-merge-patch+json"},
                .body = std::move(body)},
               std::move(done));
}

HttpClient::TransferPtr ApiClient::patch(std::string target, std::string body, Done done) {
  return start({.method = "PATCH",
                .target = std::move(target),
                .headers = {accept_whole, "Content-Type: application/merge-patch+json"},
                .body = std::move(body)},
               std::move(done));
}

HttpClient::TransferPtr ApiClient::post(std::string target, std::string body, Done done) {
  return start({.method = "POST",
                .target = std::move(target),
                .headers = {accept_whole, "Content-Type: application/json"},
                .body = std::move(body)},
               std::move(done));
}

HttpClient::TransferPtr ApiClient::start(HttpRequest request, Done done, HttpClient::Stream stream) {
  request.headers.emplace_back("User-Agent: nvccd-node-agent/" NVCCD_VERSION);
  // Read for every request: a token is replaced long before it ends.
  if (const std::string token = config_.token(); !token.empty())
    request.headers.push_back("Authorization: Bearer " + token);
  return http_->start(
      request,
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
