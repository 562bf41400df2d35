// HTTPS by libcurl on the event loop: no thread of ours, no polling.
#pragma once

#include <curl/curl.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/event.h"
#include "common/model/error.h"

namespace nvccd::agent {

// How the server is reached and whom it has to prove to be. Files are read at each new connection.
struct Endpoint {
  std::string url;              // "https://host:port", perhaps with a path; no slash at its end
  std::string tls_server_name;  // "": the host of the URL
  std::string ca_file;          // "": ca_data, or if that is empty too the system's authorities
  std::string ca_data;          // PEM
  std::string certificate_file, certificate_data;  // of the client, PEM; both empty: none
  std::string key_file, key_data;
};

struct HttpRequest {
  std::string method = "GET";
  std::string target;  // path and query, begins with a slash
  std::vector<std::string> headers = {};
  std::string body = {};
  Duration limit = std::chrono::seconds(30);  // for all of it
};

struct HttpResponse {
  long status = 0;
  std::string body;  // empty where the data was streamed
  std::optional<Duration> retry_after = {};
};

class HttpClient {
 public:
  static constexpr std::size_t longest_body = 4 << 20;

  // Takes data of a successful answer as it comes. An error ends the transfer, and is what `done` gets.
  using Stream = std::function<Result<>(std::string_view data)>;
  // Errors: no answer (connection, TLS, time-out), or a body that is too long. Redirects are answers like
  // others and not followed. Called from the loop, not from within start().
  using Done = std::function<void(Result<HttpResponse>)>;

  class Transfer;
  struct TransferDeleter {
    void operator()(Transfer* transfer) const;
  };
  // Letting it go takes the request back; `done` is then not called. May be let go in `done`, not in
  // `stream`.
  using TransferPtr = std::unique_ptr<Transfer, TransferDeleter>;

  static Result<std::unique_ptr<HttpClient>> create(sd_event* event, Endpoint endpoint);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  [[nodiscard]] TransferPtr start(HttpRequest request, Done done, Stream stream = {});

 private:
  using MultiPtr = std::unique_ptr<CURLM, CallDeleter<curl_multi_cleanup>>;

  HttpClient(sd_event* event, Endpoint endpoint);
  Result<> set_up();
  void socket_action(curl_socket_t socket, int events);
  void collect();

  int watch(curl_socket_t socket, std::uint32_t events);

  static int on_socket_wanted(CURL*, curl_socket_t socket, int what, void* self, void*);
  static int on_timer_wanted(CURLM*, long milliseconds, void* self);
  static int on_io(sd_event_source*, int fd, std::uint32_t events, void* self);
  static int on_timer(sd_event_source*, std::uint64_t, void* self);

  EventPtr event_;
  Endpoint endpoint_;
  EventSourcePtr timer_;
  std::map<curl_socket_t, EventSourcePtr> sockets_;
  MultiPtr multi_;  // uses all of the above until it is gone
};

}  // namespace nvccd::agent
