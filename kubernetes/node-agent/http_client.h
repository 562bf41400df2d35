// HTTPS by libcurl on the event loop: no thread of ours, no polling.
#pragma once

#include <curl/curl.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/base/deferred_call.h"
#include "common/base/event.h"
#include "kubernetes/node-agent/curl_request.h"

namespace nvccd::agent {

struct HttpResponse {
  long status = 0;
  std::string body;  // empty where the data was streamed
  std::optional<Duration> retry_after = {};
};

class HttpClient {
 public:
  static constexpr std::size_t longest_body = 4 << 20;

  // Takes data of a successful answer as it comes. An error that it returns ends the transfer and is passed
  // to `done`.
  using Stream = std::function<Result<>(std::string_view data)>;
  // Errors: no answer (connection, TLS, time-out), a body that is too long, or something that libcurl
  // refused, in which case nothing is sent. A redirect is an answer like any other and is not followed.
  // Called from the loop, not from within start().
  using Done = std::function<void(Result<HttpResponse>)>;

  class Transfer;
  struct TransferDeleter {
    void operator()(Transfer* transfer) const;
  };
  // Destroying it cancels the request; `done` is then not called. It may be destroyed in `done`, not in
  // `stream`.
  using TransferPtr = std::unique_ptr<Transfer, TransferDeleter>;

  static Result<std::unique_ptr<HttpClient>> create(sd_event* event, Endpoint endpoint);
  // To be destroyed after its last transfer.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  [[nodiscard]] TransferPtr start(const HttpRequest& request, Done done, Stream stream = {});

 private:
  using MultiPtr = std::unique_ptr<CURLM, CallDeleter<curl_multi_cleanup>>;

  HttpClient(sd_event* event, Endpoint endpoint);
  Result<> set_up();
  Result<> set_up_multi();
  void socket_action(curl_socket_t socket, int events);
  void collect();
  void fail_all(CURLMcode code);
  void tell_failure();

  int watch(curl_socket_t socket, std::uint32_t events);

  int on_socket_wanted(CURL* handle, curl_socket_t socket, int what);
  int on_timer_wanted(CURLM* multi, long milliseconds);
  void on_io(sd_event_source* source, int fd, std::uint32_t events);
  void on_timer();

  EventPtr event_;
  const Endpoint endpoint_;
  EventSourcePtr timer_;
  std::map<curl_socket_t, EventSourcePtr> sockets_;
  std::set<Transfer*> transfers_;
  std::unique_ptr<DeferredCall> failures_;  // reports transfers that libcurl does not have
  MultiPtr multi_;                          // uses the members above until it is destroyed
};

}  // namespace nvccd::agent
