// Requests to servers that do not answer as they should, or at all.
#include "kubernetes/node-agent/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "tests/support/event_loop.h"

namespace nvccd::agent {
namespace {

using namespace std::chrono_literals;

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
  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }

 private:
  UniqueFd socket_;
  std::uint16_t port_ = 0;
};

class HttpClientTest : public ::testing::Test {
 protected:
  void connect(const std::string& url) {
    auto created = HttpClient::create(event.get(), Endpoint{.url = url});
    ASSERT_TRUE(created);
    client = *std::move(created);
  }
  HttpClient::TransferPtr start(Duration limit) {
    return client->start({.target = "/", .limit = limit},
                         [this](Result<HttpResponse> response) { answer = std::move(response); });
  }
  bool answered() {
    return test::run_until(event.get(), [this] { return answer.has_value(); });
  }

  EventPtr event = test::new_event_loop();
  SilentServer server;
  std::unique_ptr<HttpClient> client;
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

}  // namespace
}  // namespace nvccd::agent
