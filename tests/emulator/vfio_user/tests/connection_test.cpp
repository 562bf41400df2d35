// Clients that come and go, and clients that speak nonsense.
#include <random>

#include "fixture.h"

namespace emulator::vfio_user::test {
namespace {

std::vector<std::uint8_t> header(std::uint32_t size, std::uint16_t command = 9, std::uint32_t flags = 0) {
  return Pack().u16(1).u16(command).u32(size).u32(flags).u32(0).bytes();
}

class Connections : public VfioUserTest {};

TEST_F(Connections, DeviceKeepsItsStateForTheNextClient) {
  {
    auto client = start();
    client->write_number(0, 0x100, 4, 0xFEED);
  }
  auto next = start();
  EXPECT_EQ(next->read_number(0, 0x100, 4), 0xFEEDU);
  EXPECT_EQ(clients, (std::vector<std::string>{"came", "left: the client left", "came"}));
}

TEST_F(Connections, NextClientStartsWithoutTheMemoryOfTheOneBefore) {
  const auto map = Pack().u32(32).u32(3).u64(0).u64(0x1000).u64(0x1000).bytes();
  EXPECT_FALSE(start()->call(2, map).failed());
  EXPECT_FALSE(start()->call(2, map).failed());
}

TEST_F(Connections, SecondClientWaitsUntilTheFirstHasLeft) {
  auto first = start();
  auto second = connect();
  second->send(1, Pack().u16(0).u16(0).bytes());
  EXPECT_FALSE(second->readable());
  EXPECT_FALSE(first->read(7, 0, 4).failed());
  first->close();
  EXPECT_FALSE(second->receive()->failed());
}

TEST_F(Connections, ClientWaitsForADeviceThatIsInReset) {
  std::fill_n(device.config.begin(), 4, 0xFF);
  auto client = connect();
  client->send(1, Pack().u16(0).u16(0).bytes());
  EXPECT_FALSE(client->readable());
  std::fill_n(device.config.begin(), 4, 0x10);
  EXPECT_FALSE(client->receive()->failed());
}

TEST_F(Connections, ClientOfADeviceThatNeverAnswersIsSentAway) {
  std::fill_n(device.config.begin(), 4, 0xFF);
  EXPECT_TRUE(connect()->closed_by_server());
  EXPECT_EQ(clients, (std::vector<std::string>{"came", "left: the device does not answer"}));
  std::fill_n(device.config.begin(), 4, 0x10);
  EXPECT_FALSE(start()->read(7, 0, 4).failed());
}

TEST_F(Connections, VanishingHardwareEndsTheConnectionAndTakesTheSocketAway) {
  auto client = start();
  socket.reset();
  EXPECT_TRUE(client->closed_by_server());
  EXPECT_FALSE(std::filesystem::exists(socket_path()));
}

TEST_F(Connections, ReplacesTheSocketOfAServerThatDied) {
  const auto path = directory.path() / "stale.sock";
  {
    auto dead = UnixListener::listen(path);
    ASSERT_TRUE(dead);
    std::filesystem::create_hard_link(path, directory.path() / "x");
  }
  std::filesystem::rename(directory.path() / "x", path);
  EXPECT_TRUE(UnixListener::listen(path));
}

TEST_F(Connections, PathTooLongForASocketIsSaid) {
  const auto listener = UnixListener::listen(directory.path() / std::string(100, 'x'));
  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().find("shorter"), std::string::npos) << listener.error();
}

TEST_F(Connections, MessageInSinglePiecesIsUnderstood) {
  auto client = start();
  device.words[{0, 0x100}] = 0x1234;
  const auto message = Pack().raw(header(32)).u64(0x100).u32(0).u32(4).bytes();
  for (const std::uint8_t byte : message) {
    client->send_bytes(std::span(&byte, 1));
    serve();
  }
  EXPECT_EQ(client->receive()->u32(16), 0x1234U);
}

TEST_F(Connections, ClientThatDoesNotReadItsRepliesIsNotServedFurther) {
  auto client = start();
  const auto request = Pack().raw(header(32)).u64(0).u32(0).u32(1024 * 1024).bytes();
  constexpr int requests = 3;
  for (int i = 0; i < requests; ++i)
    client->send_bytes(request);
  serve();
  EXPECT_LT(device.bar_log.size(), requests * std::size_t{262144});
  device.bar_log.clear();
  for (int i = 0; i < requests; ++i)
    ASSERT_EQ(client->receive()->payload.size(), 16U + 1024 * 1024);
}

class Nonsense : public VfioUserTest {};

TEST_F(Nonsense, WrongMessageSizeEndsTheConnection) {
  for (const std::uint32_t size : {0U, 15U, 0xFFFFFFFFU, 16U + 16U + 1024U * 1024U + 1U}) {
    auto client = start();
    client->send_bytes(header(size));
    EXPECT_TRUE(client->closed_by_server()) << size;
  }
  EXPECT_FALSE(start()->read(7, 0, 4).failed());
}

TEST_F(Nonsense, ReplyOutOfNowhereEndsTheConnection) {
  auto client = start();
  client->send_bytes(header(16, 9, 1));
  EXPECT_TRUE(client->closed_by_server());
}

TEST_F(Nonsense, ClientThatLeavesInTheMiddleOfAMessageIsForgotten) {
  {
    auto client = start();
    client->send_bytes(header(32));
  }
  EXPECT_FALSE(start()->read(7, 0, 4).failed());
}

TEST_F(Nonsense, UnknownAndUnsupportedCommandsAreRefused) {
  auto client = start();
  // DMA read and write (only a server sends them), dirty pages, feature, migration, and numbers of nobody.
  for (const std::uint16_t command :
       std::initializer_list<std::uint16_t>{0, 11, 12, 14, 16, 17, 18, 19, 0xFFFF}) {
    EXPECT_EQ(client->call(command, Pack().u64(0).u64(0).u64(0).bytes()).error,
              static_cast<std::uint32_t>(ENOTSUP))
        << command;
  }
}

TEST_F(Nonsense, EveryCommandRefusesTooShortAPayload) {
  auto client = start();
  const std::pair<std::uint16_t, std::size_t> least[] = {{2, 32}, {3, 24}, {4, 16}, {5, 32},  {6, 16},
                                                         {7, 16}, {8, 20}, {9, 16}, {10, 16}, {15, 8}};
  for (const auto& [command, size] : least) {
    for (std::size_t length = 0; length < size; ++length) {
      EXPECT_EQ(client->call(command, std::vector<std::uint8_t>(length, 0)).error,
                static_cast<std::uint32_t>(EINVAL))
          << "command " << command << " with " << length << " bytes";
    }
  }
}

TEST_F(Nonsense, WriteWithAnotherCountThanItsDataIsRefused) {
  auto client = start();
  EXPECT_TRUE(client->call(10, Pack().u64(0).u32(0).u32(8).u32(1).bytes()).failed());
  EXPECT_TRUE(client->call(10, Pack().u64(0).u32(0).u32(4).u64(1).bytes()).failed());
  EXPECT_TRUE(client->call(10, Pack().u64(0).u32(0).u32(0).u32(1).bytes()).failed());
  EXPECT_TRUE(client->call(10, Pack().u64(0).u32(0).u32(0xFFFFFFFF).u32(1).bytes()).failed());
  EXPECT_TRUE(device.bar_log.empty());
}

// Random bytes behind a valid frame: every message gets an answer, and the server goes on.
TEST_F(Nonsense, RandomPayloadsAreAnswered) {
  std::mt19937 random(20240229);
  auto client = start();
  for (int i = 0; i < 20000; ++i) {
    const auto command = static_cast<std::uint16_t>(random() % 20);
    std::vector<std::uint8_t> payload(random() % 64);
    // Mostly small numbers: those get past the first checks.
    for (auto& byte : payload)
      byte = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : 0);
    client->call(command, payload);
  }
  EXPECT_FALSE(client->read(7, 0, 4).failed());
}

TEST_F(Nonsense, RandomStreamsEndTheConnectionAtMost) {
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    auto client = random() % 2 == 0 ? start() : connect();
    std::vector<std::uint8_t> noise(random() % 512);
    for (auto& byte : noise)
      byte = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : 0);
    client->send_bytes(noise);
    serve();
  }
  EXPECT_FALSE(start()->read(7, 0, 4).failed());
}

}  // namespace
}  // namespace emulator::vfio_user::test
