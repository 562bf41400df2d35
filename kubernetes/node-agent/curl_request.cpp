#include "kubernetes/node-agent/curl_request.h"

#include <fmt/format.h>

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

namespace nvccd::agent {
namespace {

// A connection on which nothing comes any more is noticed by the kernel after about a minute and a half.
constexpr long keep_alive_idle = 45;
constexpr long keep_alive_interval = 15;

using UrlPtr = std::unique_ptr<CURLU, CallDeleter<curl_url_cleanup>>;
using TextPtr = std::unique_ptr<char, CallDeleter<curl_free>>;

// What libcurl reads from its variable arguments; anything else, such as an int, it would misread.
template <typename T>
concept OptionValue = std::same_as<T, long> || std::same_as<T, curl_off_t> || std::is_pointer_v<T>;

const char* name_of(CURLoption option) {
  const curl_easyoption* found = curl_easy_option_by_id(option);
  return found != nullptr ? found->name : "an option";
}

}  // namespace

Error http_error(std::string cause) {
  return Error{.kind = ErrorKind::system, .cause = std::move(cause)};
}

// Sets one option after the other, and none after the first failure.
class CurlRequest::Options {
 public:
  explicit Options(CurlRequest& request) : request_(request) {
    request_.handle_.reset(curl_easy_init());
    if (!request_.handle_) fail("out of memory");
  }

  const std::optional<Error>& error() const { return error_; }

  void set_all(const Endpoint& endpoint, const HttpRequest& request, const Receiver& receiver) {
    set_up_connection(endpoint, request);
    set_up_tls(endpoint);
    set_up_message(request);
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.limit / std::chrono::milliseconds(1)));
    set(CURLOPT_ERRORBUFFER, receiver.reason);
    set(CURLOPT_WRITEFUNCTION, receiver.on_data);
    set(CURLOPT_WRITEDATA, receiver.self);
  }

 private:
  void fail(std::string_view cause) {
    if (!error_) error_ = http_error(fmt::format("libcurl does not take the request: {}", cause));
  }

  template <OptionValue Value>
  void set(CURLoption option, Value value) {
    if (error_) return;
    if (const CURLcode code = curl_easy_setopt(request_.handle(), option, value); code != CURLE_OK)
      fail(fmt::format("{}: {}", name_of(option), curl_easy_strerror(code)));
  }

  void set_pem(CURLoption file_option, CURLoption text_option, const Pem& pem) {
    if (pem.value().empty()) return fail(fmt::format("{}: it is empty", name_of(file_option)));
    if (pem.is_file()) return set(file_option, pem.value().c_str());
    std::string text = pem.value();
    curl_blob blob{.data = text.data(), .len = text.size(), .flags = CURL_BLOB_COPY};
    set(text_option, &blob);
  }

  void append(ListPtr& list, const std::string& text) {
    if (error_) return;
    curl_slist* longer = curl_slist_append(list.get(), text.c_str());
    if (longer == nullptr) return fail("out of memory");
    (void)list.release();
    list.reset(longer);
  }

  void set_up_connection(const Endpoint& endpoint, const HttpRequest& request) {
    const std::string url = endpoint.url + request.target;
    set(CURLOPT_URL, url.c_str());
    if (!endpoint.tls_server_name.empty()) connect_by_another_name(url, endpoint.tls_server_name);
    set(CURLOPT_PROTOCOLS_STR, "https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_PROXY, "");  // credentials go to the API server only
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, 15L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_TCP_KEEPIDLE, keep_alive_idle);
    set(CURLOPT_TCP_KEEPINTVL, keep_alive_interval);
  }

  // The certificate is checked for the name in the URL. So the URL gets `name`, and the connection is made to
  // the host that the URL had.
  void connect_by_another_name(const std::string& url, const std::string& name) {
    const UrlPtr parsed(curl_url());
    TextPtr host, renamed;
    if (!parsed) return fail("out of memory");
    CURLUcode code = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0);
    if (code == CURLUE_OK) code = curl_url_get(parsed.get(), CURLUPART_HOST, out(host), 0);
    if (code == CURLUE_OK) code = curl_url_set(parsed.get(), CURLUPART_HOST, name.c_str(), 0);
    if (code == CURLUE_OK) code = curl_url_get(parsed.get(), CURLUPART_URL, out(renamed), 0);
    if (code != CURLUE_OK) return fail(fmt::format("{} as {}: {}", url, name, curl_url_strerror(code)));
    append(request_.connect_to_, fmt::format("::{}:", host.get()));
    set(CURLOPT_CONNECT_TO, request_.connect_to_.get());
    set(CURLOPT_URL, static_cast<const char*>(renamed.get()));
  }

  void set_up_tls(const Endpoint& endpoint) {
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // not the distribution's authorities too
    set_pem(CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB, endpoint.authority);
    if (endpoint.certificate) set_pem(CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB, *endpoint.certificate);
    if (endpoint.key) set_pem(CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB, *endpoint.key);
#if LIBCURL_VERSION_NUM >= 0x075700
    // Without this an authority that was replaced would count for a day more.
    set(CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
  }

  void set_up_message(const HttpRequest& request) {
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    for (const std::string& header : request.headers)
      append(request_.headers_, header);
    set(CURLOPT_HTTPHEADER, request_.headers_.get());
    if (request.body.empty()) return;
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_COPYPOSTFIELDS, request.body.data());
  }

  CurlRequest& request_;
  std::optional<Error> error_;
};

Result<CurlRequest> CurlRequest::create(const Endpoint& endpoint, const HttpRequest& request,
                                        const Receiver& receiver) {
  CurlRequest created;
  Options options(created);
  options.set_all(endpoint, request, receiver);
  if (options.error()) return std::unexpected(*options.error());
  return created;
}

}  // namespace nvccd::agent
