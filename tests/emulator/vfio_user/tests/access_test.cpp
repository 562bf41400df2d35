// Reads, writes and resets: what arrives at the device.
#include "fixture.h"

namespace emulator::vfio_user::test {
namespace {

constexpr std::uint32_t config = 7;

class BarAccess : public VfioUserTest {
 protected:
  BarAccess() {
    device.words[{0, 0x100}] = 0x33221100;
    device.words[{0, 0x104}] = 0x77665544;
  }
};

TEST_F(BarAccess, ReadsEverySizeAtEveryOffset) {
  auto client = start();
  EXPECT_EQ(client->read_number(0, 0x100, 4), 0x33221100U);
  EXPECT_EQ(client->read_number(0, 0x100, 8), 0x7766554433221100U);
  EXPECT_EQ(client->read_number(0, 0x102, 2), 0x3322U);
  EXPECT_EQ(client->read_number(0, 0x103, 1), 0x33U);
  EXPECT_EQ(client->read_number(0, 0x101, 6), 0x665544332211U);
  EXPECT_EQ(client->read_number(0, 0x103, 2), 0x4433U);
}

TEST_F(BarAccess, TouchesEachWordOnceAndInOrder) {
  auto client = start();
  client->read_number(0, 0x101, 6);
  EXPECT_EQ(device.bar_log, (std::vector<Access>{{'r', 0x100, 4, 0x33221100}, {'r', 0x104, 4, 0x77665544}}));
}

TEST_F(BarAccess, WritesWholeWordsWithoutReadingThem) {
  auto client = start();
  ASSERT_FALSE(client->write_number(0, 0x100, 8, 0x1122334455667788).failed());
  EXPECT_EQ(device.bar_log, (std::vector<Access>{{'w', 0x100, 4, 0x55667788}, {'w', 0x104, 4, 0x11223344}}));
}

TEST_F(BarAccess, WritesPartOfAWordAndKeepsTheRest) {
  auto client = start();
  ASSERT_FALSE(client->write_number(0, 0x101, 2, 0xBEEF).failed());
  EXPECT_EQ((device.words[{0, 0x100}]), 0x33BEEF00U);
  ASSERT_FALSE(client->write_number(0, 0x103, 2, 0xCAFE).failed());
  EXPECT_EQ((device.words[{0, 0x100}]), 0xFEBEEF00U);
  EXPECT_EQ((device.words[{0, 0x104}]), 0x776655CAU);
}

TEST_F(BarAccess, ReachesTheLastWordOfALargeBar) {
  auto client = start();
  const std::uint64_t last = StubDevice::bar2_size - 4;
  ASSERT_FALSE(client->write_number(2, last, 4, 0xABCD).failed());
  EXPECT_EQ((device.words[{2, last}]), 0xABCDU);
  EXPECT_EQ(client->read_number(2, last, 4), 0xABCDU);
}

TEST_F(BarAccess, RefusesWhatLiesOutside) {
  auto client = start();
  EXPECT_TRUE(client->read(0, StubDevice::bar0_size, 4).failed());
  EXPECT_TRUE(client->read(0, StubDevice::bar0_size - 2, 4).failed());
  EXPECT_TRUE(client->read(0, ~std::uint64_t{0} - 1, 4).failed());
  EXPECT_TRUE(client->write_number(0, StubDevice::bar0_size - 2, 4, 1).failed());
  EXPECT_TRUE(client->read(1, 0, 4).failed()) << "a BAR that is not implemented";
  EXPECT_TRUE(client->read(6, 0, 4).failed()) << "ROM";
  EXPECT_TRUE(client->read(8, 0, 4).failed()) << "VGA";
  EXPECT_TRUE(client->read(9, 0, 4).failed());
  EXPECT_TRUE(client->read(0, 0, 0).failed());
  EXPECT_TRUE(device.bar_log.empty());
}

TEST_F(BarAccess, ReadsUpToTheAgreedTransferSize) {
  auto client = start();
  const Reply reply = client->read(0, 0x100, 1024 * 1024);
  ASSERT_EQ(reply.payload.size(), 16U + 1024 * 1024);
  EXPECT_EQ(reply.u64(16), 0x7766554433221100U);
  EXPECT_TRUE(client->read(0, 0, 1024 * 1024 + 1).failed());
}

TEST_F(BarAccess, PostedWriteIsDoneBeforeTheNextReadAndGetsNoReply) {
  auto client = start();
  client->send(10, Pack().u64(0x100).u32(0).u32(4).u32(0xD00D).bytes(), {}, 0x10);
  EXPECT_EQ(client->read_number(0, 0x100, 4), 0xD00DU);
}

TEST_F(BarAccess, FailedPostedWriteGetsNoReplyEither) {
  auto client = start();
  client->send(10, Pack().u64(0x100).u32(6).u32(4).u32(0xD00D).bytes(), {}, 0x10);
  EXPECT_EQ(client->read_number(0, 0x100, 4), 0x33221100U);
}

TEST_F(BarAccess, AnswersPipelinedCommandsInOrder) {
  auto client = start();
  std::vector<std::uint16_t> ids;
  for (std::uint32_t i = 0; i < 100; ++i) {
    ids.push_back(client->send(9, Pack().u64(4 * i).u32(0).u32(4).bytes()));
  }
  for (const std::uint16_t id : ids) {
    const auto reply = client->receive();
    ASSERT_TRUE(reply);
    ASSERT_EQ(reply->id, id);
  }
}

TEST_F(BarAccess, ManyWritesFitInOneMessage) {
  auto client = start();
  const Reply reply = client->call(15, Pack()
                                           .u64(2)
                                           .u64(0x100)
                                           .u32(0)
                                           .u32(4)
                                           .u64(0x1111)
                                           .u64(0x108)
                                           .u32(0)
                                           .u32(8)
                                           .u64(0x2222222233333333)
                                           .bytes());
  ASSERT_FALSE(reply.failed());
  EXPECT_EQ(reply.u64(0), 2U);
  EXPECT_EQ(device.bar_log,
            (std::vector<Access>{
                {'w', 0x100, 4, 0x1111}, {'w', 0x108, 4, 0x33333333}, {'w', 0x10C, 4, 0x22222222}}));
}

TEST_F(BarAccess, ManyWritesAreAllDoneOrNone) {
  auto client = start();
  EXPECT_TRUE(
      client->call(15, Pack().u64(2).u64(0x100).u32(0).u32(4).u64(1).u64(0).u32(0).u32(9).u64(1).bytes())
          .failed());
  EXPECT_TRUE(client->call(15, Pack().u64(3).u64(0x100).u32(0).u32(4).u64(1).bytes()).failed());
  EXPECT_TRUE(
      client->call(15, Pack().u64(0x0AAAAAAAAAAAAAABU).u64(0x100).u32(0).u32(4).u64(1).bytes()).failed());
  EXPECT_TRUE(device.bar_log.empty());
}

TEST_F(BarAccess, ManyWritesNeedAnAgreement) {
  auto client = connect();
  client->negotiate(R"({"capabilities":{}})");
  EXPECT_EQ(client->call(15, Pack().u64(0).bytes()).error, static_cast<std::uint32_t>(ENOTSUP));
}

class ConfigAccess : public VfioUserTest {};

TEST_F(ConfigAccess, ReadsEverySize) {
  for (std::size_t i = 0; i < 256; ++i)
    device.config[i] = static_cast<std::uint8_t>(i);
  auto client = start();
  EXPECT_EQ(client->read_number(config, 0x10, 4), 0x13121110U);
  EXPECT_EQ(client->read_number(config, 0x12, 2), 0x1312U);
  EXPECT_EQ(client->read_number(config, 0x13, 1), 0x13U);
  EXPECT_EQ(client->read_number(config, 0x11, 8), 0x1817161514131211U);
  EXPECT_EQ(client->read(config, 0, 4096).payload.size(), 16U + 4096);
  EXPECT_TRUE(client->read(config, 4095, 2).failed());
}

TEST_F(ConfigAccess, WritesNoByteBesideTheOnesGiven) {
  auto client = start();
  ASSERT_FALSE(client->write_number(config, 0x05, 6, 0xAABBCCDDEEFF).failed());
  EXPECT_EQ(device.config_log,
            (std::vector<Access>{
                {'w', 0x05, 1, 0xFF}, {'w', 0x06, 2, 0xDDEE}, {'w', 0x08, 2, 0xBBCC}, {'w', 0x0A, 1, 0xAA}}));
}

TEST_F(ConfigAccess, KeepsAlignedWordsWhole) {
  auto client = start();
  ASSERT_FALSE(client->write_number(config, 0x78, 2, 0x8000).failed());
  ASSERT_FALSE(client->write_number(config, 0x10, 4, 0xFFFFFFFF).failed());
  EXPECT_EQ(device.config_log, (std::vector<Access>{{'w', 0x78, 2, 0x8000}, {'w', 0x10, 4, 0xFFFFFFFF}}));
}

class Reset : public VfioUserTest {};

TEST_F(Reset, IsABusResetOfTheDevice) {
  auto client = start();
  ASSERT_FALSE(client->call(13, {}).failed());
  EXPECT_EQ(device.resets, std::vector{ResetKind::bus});
}

TEST_F(Reset, FailureOfTheDeviceReachesTheClient) {
  device.fails_to_reset = true;
  EXPECT_EQ(start()->call(13, {}).error, static_cast<std::uint32_t>(EIO));
}

}  // namespace
}  // namespace emulator::vfio_user::test
