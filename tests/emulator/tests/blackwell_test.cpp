// What only Blackwell has: the message-network mailbox and the BAR firewall.
#include <gtest/gtest.h>

#include "host.h"

namespace emulator {
namespace {

class Mnoc : public testing::TestWithParam<Model> {
 protected:
  Host host{GetParam(), {.reply = milliseconds(5), .reset = {}, .boot = {}}};
};

INSTANTIATE_TEST_SUITE_P(Models, Mnoc, testing::Values(Model::gb100, Model::gb102, Model::gb202),
                         [](const auto& tested) { return model_name(tested.param); });

TEST_P(Mnoc, IdleIsReadyAndHasCredit) {
  EXPECT_EQ(host.read(kMnocReceiveInfo), kMnocReady | kMnocCredit);
  EXPECT_EQ(host.read(kMnocSendInfo), 0U);
}

TEST_P(Mnoc, KnobReadAndWriteWordByWord) {
  host.write(kMnocReceiveInfo, 0x0010000C);
  EXPECT_EQ(host.read(kMnocReceiveInfo) & kMnocReady, 0U) << "busy with the message";
  EXPECT_NE(host.read(kMnocReceiveInfo) & kMnocCredit, 0U);
  for (const std::uint32_t word : read_request(8))
    host.write(kMnocReceiveData, word);
  EXPECT_NE(host.read(kMnocReceiveInfo) & kMnocReady, 0U);
  host.clock.advance(milliseconds(4));
  EXPECT_EQ(host.read(kMnocSendInfo), 0U);
  host.clock.advance(milliseconds(1));
  EXPECT_EQ(host.read(kMnocSendInfo), 0x01000018U);
  for (const std::uint32_t word : {0xC0000000U, 0x1510DE7EU, 3U, 0x13U, 0U}) {
    EXPECT_EQ(host.read(kMnocSendData), word);
    EXPECT_EQ(host.read(kMnocSendInfo), 0x01000018U) << "until the last word";
  }
  EXPECT_EQ(host.read(kMnocSendData), 0U);
  EXPECT_EQ(host.read(kMnocSendInfo), 0U) << "drained: no longer ready, without acknowledgement";

  host.write(kMnocReceiveInfo, 0x00100010);
  for (const std::uint32_t word : write_request(8, 1))
    host.write(kMnocReceiveData, word);
  host.clock.advance(milliseconds(5));
  EXPECT_EQ(host.read(kMnocSendInfo), 0x01000014U);
  EXPECT_EQ(host.receive(), (Words{0xC0000000, 0x1510DE7E, 3, 0x13, 0}));
  EXPECT_EQ(host.device->knob(8), 1);
  EXPECT_EQ(host.device->counters().protocol_errors, 0U);
}

TEST_P(Mnoc, WithoutTheTriggerNothingIsAnnounced) {
  host.write(kMnocReceiveInfo, 0x0000000C);
  for (const std::uint32_t word : read_request(8))
    host.write(kMnocReceiveData, word);
  EXPECT_EQ(host.device->counters().knob_reads, 0U);
  EXPECT_EQ(host.device->counters().protocol_errors, 3U);
}

TEST_P(Mnoc, ImpossibleSizesShowTheErrorUntilAReset) {
  for (const std::uint32_t bytes : {0U, 6U, 4164U}) {
    host.write(kMnocReceiveInfo, 1U << 20U | bytes);
    EXPECT_NE(host.read(kMnocReceiveInfo) & kMnocError, 0U) << bytes;
    host.reset();
    EXPECT_EQ(host.read(kMnocReceiveInfo), kMnocReady | kMnocCredit);
  }
  host.write(kMnocReceiveInfo, 1U << 20U | 4160U);
  EXPECT_EQ(host.read(kMnocReceiveInfo) & kMnocError, 0U) << "the largest packet";
}

TEST_P(Mnoc, HalfAMessageKeepsThePortBusyUntilAReset) {
  host.write(kMnocReceiveInfo, 0x0010000C);
  host.write(kMnocReceiveData, 0xC0000000);
  host.clock.advance(milliseconds(60'000));
  EXPECT_EQ(host.read(kMnocReceiveInfo) & kMnocReady, 0U);
  host.write(kMnocReceiveInfo, 0x0010000C);
  EXPECT_EQ(host.device->counters().protocol_errors, 1U);
  host.reset();
  host.send(read_request(7));
  host.clock.advance(milliseconds(5));
  EXPECT_EQ(host.receive().value().back(), 1U);
}

TEST_P(Mnoc, FirmwareThatStopsListeningTakesNoData) {
  host.write(kMnocReceiveInfo, 0x00100010);
  ASSERT_TRUE(host.device->set_fault("no-reply", "stuck"));
  for (const std::uint32_t word : write_request(8, 1))
    host.write(kMnocReceiveData, word);
  EXPECT_EQ(host.device->knob(8), 0);
  EXPECT_EQ(host.read(kMnocReceiveInfo) & (kMnocReady | kMnocCredit), 0U);
}

TEST_P(Mnoc, LeftOverReplyIsTakenForTheNextOne) {
  ASSERT_TRUE(host.device->set_fault("stale-queues", "message"));
  EXPECT_EQ(host.read(kMnocSendInfo), 0x01000018U);
  host.send(read_request(8));
  host.clock.advance(milliseconds(5));
  EXPECT_EQ(host.receive().value().back(), 1U) << "stale";
  EXPECT_EQ(host.receive().value().back(), 0U) << "true";
  EXPECT_EQ(host.device->counters().protocol_errors, 1U);
}

TEST_P(Mnoc, ResetDropsEverything) {
  ASSERT_TRUE(host.device->set_fault("stale-queues", "1"));
  host.reset();
  EXPECT_EQ(host.read(kMnocSendInfo), 0U);
  EXPECT_EQ(host.read(kMnocReceiveInfo), kMnocReady | kMnocCredit);
  host.send(read_request(8));
  host.reset();
  host.clock.advance(milliseconds(50));
  EXPECT_EQ(host.receive(), std::nullopt);
}

TEST_P(Mnoc, ReadingAReplyThatIsNotThereIsNoted) {
  EXPECT_EQ(host.read(kMnocSendData), 0U);
  EXPECT_EQ(host.device->counters().protocol_errors, 1U);
}

TEST_P(Mnoc, FaultsOfTheMailbox) {
  ASSERT_TRUE(host.device->set_fault("mnoc-not-ready", "1"));
  EXPECT_EQ(host.read(kMnocReceiveInfo), kMnocCredit);
  EXPECT_EQ(host.exchange(read_request(8)), std::nullopt);
  host.device->clear_faults();
  ASSERT_TRUE(host.device->set_fault("mnoc-no-credit", "1"));
  EXPECT_EQ(host.read(kMnocReceiveInfo), kMnocReady);
  host.write(kMnocReceiveInfo, 0x0010000C);
  host.write(kMnocReceiveData, 0xC0000000);
  EXPECT_EQ(host.last_event("protocol-error").details.at("what"), "MNOC: data without credit");
  host.device->clear_faults();
  ASSERT_TRUE(host.device->set_fault("mnoc-error", "receive"));
  EXPECT_NE(host.read(kMnocReceiveInfo) & kMnocError, 0U);
  EXPECT_EQ(host.read(kMnocSendInfo) & kMnocError, 0U);
  ASSERT_TRUE(host.device->set_fault("mnoc-error", "send"));
  EXPECT_EQ(host.read(kMnocReceiveInfo) & kMnocError, 0U);
  EXPECT_NE(host.read(kMnocSendInfo) & kMnocError, 0U);
}

constexpr std::uint32_t kFirewallWord = 0x308;
constexpr std::uint32_t kClosed = 1U << 20U;

TEST_P(Mnoc, ClosedFirewallHidesTheRegisters) {
  ASSERT_TRUE(host.device->set_fault("firewall-stuck", "1"));
  EXPECT_EQ(host.config(kFirewallWord), kClosed);
  EXPECT_EQ(host.read(0), kAllOnes);
  host.reset();
  host.clock.advance(milliseconds(60'000));
  EXPECT_EQ(host.config(kFirewallWord), kClosed);
  ASSERT_TRUE(host.device->set_fault("firewall-stuck", ""));
  EXPECT_EQ(host.config(kFirewallWord), 0U);
  EXPECT_NE(host.read(0), kAllOnes);
}

TEST_P(Mnoc, FirewallOpensSomeTimeAfterTheReset) {
  ASSERT_TRUE(host.device->set_fault("firewall-delay", "300"));
  EXPECT_EQ(host.config(kFirewallWord), 0U) << "the last reset is long ago";
  host.reset();
  host.clock.advance(milliseconds(299));
  EXPECT_EQ(host.config(kFirewallWord), kClosed);
  EXPECT_EQ(host.read(0x200BC), kAllOnes);
  host.clock.advance(milliseconds(1));
  EXPECT_EQ(host.config(kFirewallWord), 0U);
  EXPECT_NE(host.read(0), kAllOnes);
}

}  // namespace
}  // namespace emulator
