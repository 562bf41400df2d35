#include "kubernetes/node-agent/http_client.h"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <utility>

namespace nvccd::agent {
namespace {

using EasyPtr = std::unique_ptr<CURL, CallDeleter<curl_easy_cleanup>>;
using HeaderListPtr = std::unique_ptr<curl_slist, CallDeleter<curl_slist_free_all>>;

// A connection on which nothing comes any more is noticed by the kernel after about a minute and a half.
constexpr long keep_alive_idle = 45;
constexpr long keep_alive_interval = 15;
constexpr long connections_kept = 4;

constexpr curl_off_t longest_patience = 300;  // seconds, whatever the server asks for

Error http_error(std::string cause) {
  return Error{.kind = ErrorKind::system, .cause = std::move(cause)};
}

curl_blob blob_of(std::string& data) {
  return {.data = data.data(), .len = data.size(), .flags = CURL_BLOB_NOCOPY};
}

}  // namespace

class HttpClient::Transfer {
 public:
  Transfer(CURLM* multi, Endpoint& endpoint, HttpRequest request, Done done, Stream stream)
      : multi_(multi),
        request_(std::move(request)),
        done_(std::move(done)),
        stream_(std::move(stream)),
        easy_(curl_easy_init()) {
    set_up(endpoint);
    curl_multi_add_handle(multi_, easy_.get());
  }
  ~Transfer() { curl_multi_remove_handle(multi_, easy_.get()); }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // The owner usually lets the transfer go in here.
  void finish(CURLcode code) {
    const Done done = std::move(done_);
    if (error_)
      done(std::unexpected(*std::move(error_)));
    else if (code != CURLE_OK)
      done(std::unexpected(http_error(*reason_ ? reason_ : curl_easy_strerror(code))));
    else
      done(response());
  }

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(easy_.get(), option, value);
  }

  void set_up(Endpoint& endpoint) {
    const std::string url = endpoint.url + request_.target;
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PRIVATE, this);
    set(CURLOPT_PROTOCOLS_STR, "https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_PROXY, "");  // credentials go to the API server only
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_ERRORBUFFER, reason_);
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.limit / std::chrono::milliseconds(1)));
    set(CURLOPT_CONNECTTIMEOUT, 15L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_TCP_KEEPIDLE, keep_alive_idle);
    set(CURLOPT_TCP_KEEPINTVL, keep_alive_interval);
    set(CURLOPT_WRITEFUNCTION, on_data);
    set(CURLOPT_WRITEDATA, this);
    set_up_tls(endpoint);
    set_up_message();
  }

  void set_up_tls(Endpoint& endpoint) {
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    // Only the cluster's authority counts, not also those of the distribution.
    if (!endpoint.ca_file.empty() || !endpoint.ca_data.empty())
      set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    set_pem(CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB, endpoint.ca_file, endpoint.ca_data);
    set_pem(CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB, endpoint.certificate_file, endpoint.certificate_data);
    set_pem(CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB, endpoint.key_file, endpoint.key_data);
#if LIBCURL_VERSION_NUM >= 0x075700
    // Or one that was replaced would count for a day more.
    set(CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
    if (!endpoint.tls_server_name.empty()) connect_by_another_name(endpoint);
  }

  void set_pem(CURLoption file_option, CURLoption data_option, const std::string& file, std::string& data) {
    if (!file.empty()) {
      set(file_option, file.c_str());
    } else if (!data.empty()) {
      curl_blob blob = blob_of(data);
      set(data_option, &blob);
    }
  }

  // The name that the certificate is checked for is the URL's, so that one is exchanged and the connection
  // made to the old one.
  void connect_by_another_name(const Endpoint& endpoint) {
    const std::unique_ptr<CURLU, CallDeleter<curl_url_cleanup>> url(curl_url());
    char* text = nullptr;
    if (curl_url_set(url.get(), CURLUPART_URL, (endpoint.url + request_.target).c_str(), 0) != CURLUE_OK ||
        curl_url_get(url.get(), CURLUPART_HOST, &text, 0) != CURLUE_OK)
      return;
    const std::string host = text;
    curl_free(text);
    connect_to_.reset(curl_slist_append(nullptr, ("::" + host + ":").c_str()));
    set(CURLOPT_CONNECT_TO, connect_to_.get());
    curl_url_set(url.get(), CURLUPART_HOST, endpoint.tls_server_name.c_str(), 0);
    if (curl_url_get(url.get(), CURLUPART_URL, &text, 0) != CURLUE_OK) return;
    set(CURLOPT_URL, text);
    curl_free(text);
  }

  void set_up_message() {
    set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    curl_slist* list = nullptr;
    for (const std::string& header : request_.headers)
      list = curl_slist_append(list, header.c_str());
    headers_.reset(list);
    set(CURLOPT_HTTPHEADER, list);
    if (request_.body.empty()) return;
    set(CURLOPT_POSTFIELDS, request_.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  }

  long status() const {
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
  }

  HttpResponse response() {
    curl_off_t retry_after = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &retry_after);
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

  static std::size_t on_data(char* data, std::size_t, std::size_t size, void* self) {
    auto* transfer = static_cast<Transfer*>(self);
    if (auto taken = transfer->take({data, size}); !taken) {
      transfer->error_ = taken.error();
      return CURL_WRITEFUNC_ERROR;
    }
    return size;
  }

  CURLM* multi_;
  HttpRequest request_;
  Done done_;
  Stream stream_;
  EasyPtr easy_;
  HeaderListPtr headers_;
  HeaderListPtr connect_to_;
  std::string body_;
  std::optional<Error> error_;
  char reason_[CURL_ERROR_SIZE] = "";
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
  curl_global_init(CURL_GLOBAL_DEFAULT);
  multi_.reset(curl_multi_init());
  if (!multi_) return std::unexpected(http_error("libcurl does not start"));
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, on_timer_wanted);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, connections_kept);
  sd_event_source* timer = nullptr;
  if (const int r = sd_event_add_time(event_.get(), &timer, CLOCK_MONOTONIC, 0, 0, on_timer, this); r < 0)
    return std::unexpected(system_error("cannot create a timer", -r));
  timer_.reset(timer);
  (void)sd_event_source_set_enabled(timer, SD_EVENT_OFF);
  return {};
}

HttpClient::TransferPtr HttpClient::start(HttpRequest request, Done done, Stream stream) {
  return TransferPtr(
      new Transfer(multi_.get(), endpoint_, std::move(request), std::move(done), std::move(stream)));
}

void HttpClient::socket_action(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi_.get(), socket, events, &running);
  collect();
}

void HttpClient::collect() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    Transfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    transfer->finish(message->data.result);
  }
}

int HttpClient::watch(curl_socket_t socket, std::uint32_t events) {
  EventSourcePtr& source = sockets_[socket];
  if (source) return sd_event_source_set_io_events(source.get(), events);
  sd_event_source* added = nullptr;
  const int r = sd_event_add_io(event_.get(), &added, socket, events, on_io, this);
  source.reset(added);
  return r;
}

int HttpClient::on_socket_wanted(CURL*, curl_socket_t socket, int what, void* self, void*) {
  auto* client = static_cast<HttpClient*>(self);
  if (what == CURL_POLL_REMOVE) {
    client->sockets_.erase(socket);
    return 0;
  }
  std::uint32_t events = 0;
  if (what & CURL_POLL_IN) events |= EPOLLIN;
  if (what & CURL_POLL_OUT) events |= EPOLLOUT;
  return client->watch(socket, events) < 0 ? -1 : 0;
}

int HttpClient::on_timer_wanted(CURLM*, long milliseconds, void* self) {
  sd_event_source* timer = static_cast<HttpClient*>(self)->timer_.get();
  if (milliseconds < 0) return sd_event_source_set_enabled(timer, SD_EVENT_OFF) < 0 ? -1 : 0;
  const auto delay = static_cast<std::uint64_t>(milliseconds) * 1000;
  if (sd_event_source_set_time_relative(timer, delay) < 0) return -1;
  return sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

int HttpClient::on_io(sd_event_source*, int fd, std::uint32_t events, void* self) {
  int what = 0;
  if (events & EPOLLIN) what |= CURL_CSELECT_IN;
  if (events & EPOLLOUT) what |= CURL_CSELECT_OUT;
  if (events & (EPOLLERR | EPOLLHUP)) what |= CURL_CSELECT_ERR;
  static_cast<HttpClient*>(self)->socket_action(fd, what);
  return 0;
}

int HttpClient::on_timer(sd_event_source*, std::uint64_t, void* self) {
  static_cast<HttpClient*>(self)->socket_action(CURL_SOCKET_TIMEOUT, 0);
  return 0;
}

}  // namespace nvccd::agent
