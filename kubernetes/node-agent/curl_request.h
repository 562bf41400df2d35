// A request as libcurl gets it.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <vector>

#include "common/base/c_boundary.h"
#include "common/base/clock.h"
#include "common/model/error.h"
#include "kubernetes/node-agent/endpoint.h"

namespace nvccd::agent {

struct HttpRequest {
  std::string method = "GET";
  std::string target;  // path and query, begins with a slash
  std::vector<std::string> headers = {};
  std::string body = {};
  Duration limit = std::chrono::seconds(30);  // for all of it
};

Error http_error(std::string cause);

// A request to the endpoint's server and to no other: over https, without proxies and redirects, and only
// when the server's certificate is signed by the endpoint's authority and issued for its name.
class CurlRequest {
 public:
  // What gets the answer; must stay in its place as long as the request exists.
  struct Receiver {
    curl_write_callback on_data;
    void* self;    // passed to on_data
    char* reason;  // CURL_ERROR_SIZE bytes, for the reason of a failure
  };

  // All options have taken effect, or there is no request. The error names the first that has not.
  static Result<CurlRequest> create(const Endpoint& endpoint, const HttpRequest& request,
                                    const Receiver& receiver);

  CURL* handle() const { return handle_.get(); }

 private:
  class Options;
  using ListPtr = std::unique_ptr<curl_slist, CallDeleter<curl_slist_free_all>>;

  CurlRequest() = default;

  ListPtr headers_, connect_to_;
  std::unique_ptr<CURL, CallDeleter<curl_easy_cleanup>> handle_;  // uses the lists
};

}  // namespace nvccd::agent
