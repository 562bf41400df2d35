// The mailbox of Hopper and LS10.
#include <gtest/gtest.h>

#include "host.h"

namespace emulator {
namespace {

constexpr EmemChannel kCc{2};

class Emem : public testing::TestWithParam<Model> {
 protected:
  Host host{GetParam(), {.reply = milliseconds(5), .reset = {}, .boot = {}}};
  void pass(milliseconds time) { host.clock.advance(time); }
  // A reply is due: take it.
  std::optional<Words> take() {
    pass(milliseconds(5));
    return host.receive();
  }
};

INSTANTIATE_TEST_SUITE_P(Models, Emem, testing::Values(Model::gh100, Model::ls10),
                         [](const auto& tested) { return model_name(tested.param); });

TEST_P(Emem, WorkedExampleOfKnob8) {
  host.send({0xC0000000, 0x1310DE7E, 0x0008020C});
  EXPECT_EQ(take(), (Words{0xC0000000, 0x1510DE7E, 0x3, 0x13, 0, 0}));
  host.send({0xC0000000, 0x1310DE7E, 0x0008020D, 1});
  EXPECT_EQ(take(), (Words{0xC0000000, 0x1510DE7E, 0x3, 0x13, 0}));
  host.send({0xC0000000, 0x1310DE7E, 0x0008020C});
  EXPECT_EQ(take(), (Words{0xC0000000, 0x1510DE7E, 0x3, 0x13, 0, 1}));
  host.send({0xC0000000, 0x1310DE7E, 0x0030020C});
  EXPECT_EQ(take(), (Words{0xC0000000, 0x1510DE7E, 0x3, 0x13, 0x1E3})) << "there is no knob 48";
  EXPECT_EQ(host.device->counters().protocol_errors, 0U);
}

TEST_P(Emem, ReplyComesAfterItsDelayAndNotBefore) {
  host.send(read_request(8));
  EXPECT_EQ(host.read(kCc.command_head), host.read(kCc.command_tail)) << "the command is taken at once";
  pass(milliseconds(4));
  EXPECT_EQ(host.read(kCc.message_head), host.read(kCc.message_tail));
  pass(milliseconds(1));
  EXPECT_EQ(host.read(kCc.message_head), 0x800U);
  EXPECT_EQ(host.read(kCc.message_tail), 0x814U);
}

TEST_P(Emem, WritingTheTailAloneDoesNotRing) {
  host.write(kCc.control, 0x03000800);
  for (const std::uint32_t word : read_request(8))
    host.write(kCc.data, word);
  host.write(kCc.command_tail, 0x808);
  EXPECT_EQ(take(), std::nullopt);
  EXPECT_EQ(host.device->counters().knob_reads, 0U);
  host.write(kCc.command_head, 0x800);
  EXPECT_TRUE(take().has_value());
}

TEST_P(Emem, EachWindowHasItsOwnOffsetAndSteps) {
  for (std::uint32_t port = 0; port < 8; ++port) {
    const EmemChannel window(port);
    host.write(window.control, 0x01000000 | window.base);  // steps on writes only
    host.write(window.data, 100 + port);
    host.write(window.data, 200 + port);
    EXPECT_EQ(host.read(window.control), 0x01000000U | (window.base + 8));
  }
  for (std::uint32_t port = 0; port < 8; ++port) {
    const EmemChannel window(port);
    host.write(window.control, 0x02000000 | window.base);  // steps on reads only
    EXPECT_EQ(host.read(window.data), 100 + port);
    EXPECT_EQ(host.read(window.data), 200 + port);
    host.write(window.control, window.base);
    EXPECT_EQ(host.read(window.data), 100 + port);
    EXPECT_EQ(host.read(window.data), 100 + port) << "no step without the bit";
    host.write(window.data, 300 + port);
    EXPECT_EQ(host.read(window.data), 300 + port);
  }
}

TEST_P(Emem, ChannelsDoNotDisturbEachOther) {
  host.send(write_request(8, 1), EmemChannel(2));
  host.send(read_request(7), EmemChannel(1));
  pass(milliseconds(5));
  EXPECT_EQ(host.receive(EmemChannel(1)), (Words{0xC0000000, 0x1510DE7E, 0x3, 0x13, 0, 1}));
  EXPECT_EQ(host.receive(EmemChannel(2)), (Words{0xC0000000, 0x1510DE7E, 0x3, 0x13, 0}));
}

TEST_P(Emem, ReplyToAHostThatDiedArrivesForTheNextOne) {
  host.send(write_request(8, 1));
  pass(milliseconds(1));
  EXPECT_EQ(host.read(kCc.message_head), host.read(kCc.message_tail))
      << "the next host finds nothing pending";
  host.send(read_request(8));
  pass(milliseconds(5));
  EXPECT_EQ(host.receive().value().size(), 5U) << "this is the answer to the write";
  EXPECT_EQ(host.receive().value().size(), 6U);
  EXPECT_GE(host.device->counters().protocol_errors, 1U);
}

TEST_P(Emem, NonsenseInTheCommandQueueIsDroppedAndNoted) {
  host.write(kCc.command_tail, 0x0C00);
  host.write(kCc.command_head, 0x0800);
  EXPECT_EQ(host.read(kCc.command_head), host.read(kCc.command_tail));
  EXPECT_EQ(take(), std::nullopt);
  EXPECT_EQ(host.device->counters().protocol_errors, 1U);
  EXPECT_EQ(host.count_events("protocol-error"), 1U);
}

TEST_P(Emem, AccessBeyondTheMemoryIsNotedAndHarmless) {
  host.write(kCc.control, 0x03FFFFFC);
  host.write(kCc.data, 1);
  EXPECT_EQ(host.read(kCc.control), 0x03000000U) << "the offset has 24 bits";
  host.write(kCc.control, 0x03002000);
  EXPECT_EQ(host.read(kCc.data), 0U);
  EXPECT_EQ(host.device->counters().protocol_errors, 2U);
}

TEST_P(Emem, ResetDropsRepliesUnderWayAndEmptiesQueues) {
  host.send(read_request(8), EmemChannel(2));
  host.send(read_request(8), EmemChannel(1));
  pass(milliseconds(5));
  ASSERT_NE(host.read(EmemChannel(1).message_head), host.read(EmemChannel(1).message_tail));
  EXPECT_TRUE(host.receive().has_value());
  host.send(read_request(8));
  host.reset();
  pass(milliseconds(50));
  for (std::uint32_t channel = 0; channel < 8; ++channel) {
    const EmemChannel registers(channel);
    EXPECT_EQ(host.read(registers.command_head), host.read(registers.command_tail));
    EXPECT_EQ(host.read(registers.message_head), host.read(registers.message_tail));
  }
}

TEST_P(Emem, ResetClearsMemoryAndWindows) {
  host.write(kCc.control, 0x03000800);
  host.write(kCc.data, 0x12345678);
  host.reset();
  EXPECT_EQ(host.read(kCc.control), 0U);
  host.write(kCc.control, 0x800);
  EXPECT_EQ(host.read(kCc.data), 0U);
}

TEST_P(Emem, LeftOversAreFoundAndCanBeClearedAsTheToolDoes) {
  ASSERT_TRUE(host.device->set_fault("stale-queues", "1"));
  EXPECT_NE(host.read(kCc.command_head), host.read(kCc.command_tail));
  EXPECT_NE(host.read(kCc.message_head), host.read(kCc.message_tail));
  host.write(kCc.command_tail, 0x800);
  host.write(kCc.command_head, 0x800);
  host.write(kCc.message_tail, 0x800);
  host.write(kCc.message_head, 0x800);
  EXPECT_EQ(take(), std::nullopt);
  host.send(read_request(7));
  EXPECT_EQ(take(), (Words{0xC0000000, 0x1510DE7E, 0x3, 0x13, 0, 1}));
}

TEST_P(Emem, MessagesOfTheWrongFormGetAnError) {
  for (const Words& message :
       {Words{0xC0000000, 0x1310DE7E, 0x0008010C},     // not the persistent store
        Words{0x80000000, 0x1310DE7E, 0x0008020C},     // no end of message
        Words{0xC0000000, 0x13000000, 0x0008020C},     // not NVIDIA's
        Words{0xC0000000, 0x1310DE7E, 0x0008020C, 0},  // a read with a value
        Words{0xC0000000, 0x1310DE7E, 0x0008020D},     // a write without
        Words{0xC0000000, 0x1310DE7E, 0x0008020D, 1U << 16U}, Words{0xC0000000, 0x1310DE7E},
        Words{0xC0000000, 0x2210DE7E, 0x0008020C}, Words{0xC0000000, 0x1310DE7E, 0x000802FF}}) {
    const auto before = host.device->counters().protocol_errors;
    host.send(message);
    const auto reply = take();
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->size(), 5U);
    EXPECT_NE(reply->at(4), 0U);
    EXPECT_EQ(host.device->counters().protocol_errors, before + 1);
  }
  EXPECT_EQ(host.device->counters().knob_writes, 0U);
  EXPECT_EQ(host.device->knob(8), 0);
}

TEST_P(Emem, CommandsBesideTheKnobsAreAccepted) {
  host.send({0xC0000000, 0x1310DE7E, 0x00010104}, EmemChannel(1));  // couple resets
  pass(milliseconds(5));
  EXPECT_EQ(host.receive(EmemChannel(1)), (Words{0xC0000000, 0x1510DE7E, 0x3, 0x13, 0}));
}

}  // namespace
}  // namespace emulator
