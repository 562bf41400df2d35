// Requests to servers that do not answer as they should, or at all.
#include "kubernetes/node-agent/http_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "curl_faults.h"
#include "tests/support/event_loop.h"

namespace nvccd::agent {
namespace {

using namespace std::chrono_literals;

// Nobody can be meant without an authority that vouches for them.
static_assert(!std::is_default_constructible_v<Endpoint>);

const Pem some_authority = Pem::in_file("/nowhere/ca.crt");

// Takes connections, and never says a word.
class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* place = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_.get(), place, size) < 0 || ::listen(socket_.get(), 1) < 0 ||
        ::getsockname(socket_.get(), place, &size) < 0)
      throw std::runtime_error("no socket for the server");
    port_ = ntohs(address.sin_port);
  }
  // Somebody has connected.
  bool was_reached() const {
    ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
    return UniqueFd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)).get() >= 0;
  }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }

 private:
  UniqueFd socket_;
  std::uint16_t port_ = 0;
};

class HttpClientTest : public ::testing::Test {
 protected:
  void connect(const std::string& url) {
    auto created = HttpClient::create(event.get(), Endpoint{.url = url, .authority = some_authority});
    ASSERT_TRUE(created);
    client = *std::move(created);
  }
  HttpClient::TransferPtr start(Duration limit) {
    return client->start({.target = "/", .limit = limit},
                         [this](Result<HttpResponse> response) { answer = std::move(response); });
  }
  // With everything that a request can have.
  Result<> ask_for_all() {
    auto created = HttpClient::create(event.get(), Endpoint{.url = server.url(),
                                                            .authority = some_authority,
                                                            .tls_server_name = "api.example",
                                                            .certificate = Pem::of_text("certificate"),
                                                            .key = Pem::of_text("key")});
    if (!created) return std::unexpected(created.error());
    client = *std::move(created);
    request = client->start(
        {.method = "PATCH", .target = "/", .headers = {"One: 1", "Two: 2"}, .body = "{}", .limit = 50ms},
        [this](Result<HttpResponse> response) { answer = std::move(response); });
    return {};
  }
  bool answered() {
    return test::run_until(event.get(), [this] { return answer.has_value(); });
  }

  EventPtr event = test::new_event_loop();
  SilentServer server;
  std::unique_ptr<HttpClient> client;
  HttpClient::TransferPtr request;
  std::optional<Result<HttpResponse>> answer;
};

TEST_F(HttpClientTest, AServerThatNeverAnswersIsGivenUp) {
  connect(server.url());
  const auto transfer = start(100ms);
  ASSERT_TRUE(answered());
  EXPECT_FALSE(*answer);
}

TEST_F(HttpClientTest, ARequestCanBeTakenBack) {
  connect(server.url());
  int answers = 0;
  auto transfer = client->start({.target = "/", .limit = 100ms}, [&](const auto&) { ++answers; });
  const auto longer = start(200ms);
  transfer.reset();
  ASSERT_TRUE(answered());
  EXPECT_EQ(answers, 0);
}

TEST_F(HttpClientTest, TheAnswerMayLetTheRequestGo) {
  connect(server.url());
  HttpClient::TransferPtr transfer;
  transfer = client->start({.target = "/", .limit = 50ms}, [&](Result<HttpResponse> response) {
    transfer.reset();
    answer = std::move(response);
  });
  EXPECT_TRUE(answered());
}

TEST_F(HttpClientTest, NothingIsSentButOverHttps) {
  for (const char* url : {"http://127.0.0.1:1", "file:///etc/passwd", "ftp://127.0.0.1"}) {
    connect(url);
    const auto transfer = start(5s);
    ASSERT_TRUE(answered()) << url;
    EXPECT_FALSE(*answer) << url;
    EXPECT_TRUE(answer->error().message().contains("rotocol")) << answer->error().message();
    answer.reset();
  }
}

TEST_F(HttpClientTest, WithoutAnAuthorityNobodyIsReached) {
  for (const Pem& nobody :
       {Pem::in_file(""), Pem::of_text(""), Pem::in_file("/nowhere"), Pem::of_text("x")}) {
    client = *HttpClient::create(event.get(), Endpoint{.url = server.url(), .authority = nobody});
    const auto transfer = start(5s);
    ASSERT_TRUE(answered());
    ASSERT_FALSE(*answer);
    EXPECT_FALSE(answer->error().message().contains("imed out")) << "the system's authorities were taken";
    answer.reset();
  }
}

TEST_F(HttpClientTest, WhateverLibcurlDoesNotTakeEndsTheRequestBeforeAnythingIsSent) {
  unsigned failures = 0;
  for (;; ++failures) {
    test::CurlFaults fault(failures);
    const auto begun = ask_for_all();
    if (begun) {
      EXPECT_FALSE(answer) << "told from within start()";
      ASSERT_TRUE(answered()) << failures;
      ASSERT_FALSE(*answer);
    }
    if (!fault.happened()) break;
    const std::string cause = begun ? answer->error().message() : begun.error().message();
    EXPECT_TRUE(cause.contains("emory")) << cause;
    EXPECT_FALSE(server.was_reached()) << cause;
    request.reset();
    client.reset();
    answer.reset();
  }
  EXPECT_GE(failures, 35u) << "options, headers, parts of the address, and what starts them";
  EXPECT_FALSE(answer->error().message().contains("emory"));
}

TEST_F(HttpClientTest, WhatLibcurlDoesNotGoOnWithEndsAndTheNextRequestIsANewOne) {
  connect(server.url());
  std::vector<std::string> causes;
  const auto keep = [&](const Result<HttpResponse>& response) { causes.push_back(response.error().cause); };
  const auto first = client->start({.target = "/"}, keep);
  const auto second = client->start({.target = "/"}, keep);
  {
    const test::CurlFaults fault(0, true);
    ASSERT_TRUE(test::run_until(event.get(), [&] { return causes.size() == 2; }));
  }
  for (const std::string& cause : causes)
    EXPECT_TRUE(cause.contains("libcurl does not go on")) << cause;
  const auto third = start(50ms);
  ASSERT_TRUE(answered());
  EXPECT_FALSE(answer->error().message().contains("libcurl does not")) << answer->error().message();
}

}  // namespace
}  // namespace nvccd::agent
