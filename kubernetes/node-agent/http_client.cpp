#include "kubernetes/node-agent/http_client.h"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <utility>

namespace nvccd::agent {
namespace {

static_assert(!std::is_void_v<CURL>, "CURL_STRICTER: or a handle is taken for the object of a callback");

constexpr long connections_kept = 4;

constexpr curl_off_t longest_patience = 300;  // in seconds; a Retry-After of the server counts up to this

}  // namespace

class HttpClient::Transfer {
 public:
  Transfer(HttpClient& client, Done done, Stream stream)
      : client_(client), done_(std::move(done)), stream_(std::move(stream)) {
    client_.transfers_.insert(this);
  }
  ~Transfer() {
    drop_request();
    client_.transfers_.erase(this);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void begin(const HttpRequest& request) {
    auto made =
        CurlRequest::create(client_.endpoint_, request,
                            {.on_data = callback<&Transfer::on_data>, .self = this, .reason = reason_});
    if (!made) return fail(made.error());
    request_.emplace(*std::move(made));
    const CURLMcode code = curl_multi_add_handle(client_.multi_.get(), handle());
    if (code != CURLM_OK) client_.fail_all(code);
  }

  CURL* handle() const { return request_ ? request_->handle() : nullptr; }

  void fail(Error error) {
    drop_request();
    error_ = std::move(error);
    client_.failures_->request();
  }
  // Whether there is no request any more, and `done` was not called yet.
  bool has_failed() const { return !request_ && done_; }

  // The owner usually destroys the transfer in `done`.
  void finish(CURLcode code) {
    const Done done = std::exchange(done_, {});
    if (error_)
      done(std::unexpected(*std::move(error_)));
    else if (code != CURLE_OK)
      done(std::unexpected(http_error(*reason_ ? reason_ : curl_easy_strerror(code))));
    else
      done(response());
  }

 private:
  void drop_request() {
    if (request_) curl_multi_remove_handle(client_.multi_.get(), handle());
    request_.reset();
  }

  long status() const {
    long status = 0;
    curl_easy_getinfo(handle(), CURLINFO_RESPONSE_CODE, &status);
    return status;
  }

  HttpResponse response() {
    curl_off_t retry_after = 0;
    curl_easy_getinfo(handle(), CURLINFO_RETRY_AFTER, &retry_after);
    HttpResponse response{.status = status(), .body = std::move(body_)};
    if (retry_after > 0)
      response.retry_after = std::chrono::seconds(std::min<curl_off_t>(retry_after, longest_patience));
    return response;
  }

  Result<> take(std::string_view data) {
    if (stream_ && status() == 200) return stream_(data);
    if (body_.size() + data.size() > longest_body)
      return std::unexpected(http_error(fmt::format("an answer of more than {} bytes", longest_body)));
    body_ += data;
    return {};
  }

  std::size_t on_data(char* data, std::size_t, std::size_t size) {
    if (auto taken = take({data, size}); !taken) {
      error_ = taken.error();
      return CURL_WRITEFUNC_ERROR;
    }
    return size;
  }

  HttpClient& client_;
  Done done_;
  Stream stream_;
  std::string body_;
  std::optional<Error> error_;
  char reason_[CURL_ERROR_SIZE] = "";
  std::optional<CurlRequest> request_;  // uses the members above
};

void HttpClient::TransferDeleter::operator()(Transfer* transfer) const {
  delete transfer;
}

Result<std::unique_ptr<HttpClient>> HttpClient::create(sd_event* event, Endpoint endpoint) {
  std::unique_ptr<HttpClient> client(new HttpClient(event, std::move(endpoint)));
  if (auto ready = client->set_up(); !ready) return std::unexpected(ready.error());
  return client;
}

HttpClient::HttpClient(sd_event* event, Endpoint endpoint)
    : event_(share(event)), endpoint_(std::move(endpoint)) {}

HttpClient::~HttpClient() = default;

Result<> HttpClient::set_up() {
  int r = sd_event_add_time(event_.get(), out(timer_), CLOCK_MONOTONIC, 0, 0, callback<&HttpClient::on_timer>,
                            this);
  if (r >= 0) r = sd_event_source_set_enabled(timer_.get(), SD_EVENT_OFF);
  if (r < 0) return std::unexpected(system_error("cannot create a timer", -r));
  auto failures = DeferredCall::create(event_.get(), [this] { tell_failure(); });
  if (!failures) return std::unexpected(failures.error());
  failures_ = *std::move(failures);
  return set_up_multi();
}

Result<> HttpClient::set_up_multi() {
  if (const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT); code != CURLE_OK)
    return std::unexpected(http_error(fmt::format("libcurl does not start: {}", curl_easy_strerror(code))));
  multi_.reset(curl_multi_init());
  if (!multi_) return std::unexpected(http_error("libcurl does not start: out of memory"));
  CURLM* const multi = multi_.get();
  const curl_socket_callback on_socket = callback<&HttpClient::on_socket_wanted>;
  const curl_multi_timer_callback on_time = callback<&HttpClient::on_timer_wanted>;
  for (const CURLMcode code : {curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket),
                               curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this),
                               curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_time),
                               curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this),
                               curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections_kept)})
    if (code != CURLM_OK)
      return std::unexpected(
          http_error(fmt::format("libcurl does not start: {}", curl_multi_strerror(code))));
  return {};
}

HttpClient::TransferPtr HttpClient::start(const HttpRequest& request, Done done, Stream stream) {
  TransferPtr transfer(new Transfer(*this, std::move(done), std::move(stream)));
  transfer->begin(request);
  return transfer;
}

void HttpClient::socket_action(curl_socket_t socket, int events) {
  int running = 0;
  if (const CURLMcode code = curl_multi_socket_action(multi_.get(), socket, events, &running);
      code != CURLM_OK)
    return fail_all(code);
  collect();
}

void HttpClient::collect() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    const auto transfer = std::ranges::find(transfers_, message->easy_handle, &Transfer::handle);
    if (message->msg == CURLMSG_DONE && transfer != transfers_.end())
      (*transfer)->finish(message->data.result);
  }
}

// No transfer may go on: after such an error libcurl accepts nothing on its multi handle until all requests
// were removed from it.
void HttpClient::fail_all(CURLMcode code) {
  for (Transfer* transfer : transfers_)
    if (transfer->handle() != nullptr)
      transfer->fail(http_error(fmt::format("libcurl does not go on: {}", curl_multi_strerror(code))));
}

// Reports one failed transfer in each turn of the loop: its `done` may destroy other transfers and start new
// ones.
void HttpClient::tell_failure() {
  const auto failed = std::ranges::find_if(transfers_, &Transfer::has_failed);
  if (failed == transfers_.end()) return;
  failures_->request();
  (*failed)->finish(CURLE_OK);
}

int HttpClient::watch(curl_socket_t socket, std::uint32_t events) {
  EventSourcePtr& source = sockets_[socket];
  if (source) return sd_event_source_set_io_events(source.get(), events);
  return sd_event_add_io(event_.get(), out(source), socket, events, callback<&HttpClient::on_io>, this);
}

int HttpClient::on_socket_wanted(CURL*, curl_socket_t socket, int what) {
  if (what == CURL_POLL_REMOVE) {
    sockets_.erase(socket);
    return 0;
  }
  std::uint32_t events = 0;
  if (what & CURL_POLL_IN) events |= EPOLLIN;
  if (what & CURL_POLL_OUT) events |= EPOLLOUT;
  return watch(socket, events) < 0 ? -1 : 0;
}

int HttpClient::on_timer_wanted(CURLM*, long milliseconds) {
  if (milliseconds < 0) return sd_event_source_set_enabled(timer_.get(), SD_EVENT_OFF) < 0 ? -1 : 0;
  const auto delay = static_cast<std::uint64_t>(milliseconds) * 1000;
  if (sd_event_source_set_time_relative(timer_.get(), delay) < 0) return -1;
  return sd_event_source_set_enabled(timer_.get(), SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

void HttpClient::on_io(sd_event_source*, int fd, std::uint32_t events) {
  int what = 0;
  if (events & EPOLLIN) what |= CURL_CSELECT_IN;
  if (events & EPOLLOUT) what |= CURL_CSELECT_OUT;
  if (events & (EPOLLERR | EPOLLHUP)) what |= CURL_CSELECT_ERR;
  socket_action(fd, what);
}

void HttpClient::on_timer() {
  socket_action(CURL_SOCKET_TIMEOUT, 0);
}

}  // namespace nvccd::agent
