// The fault "firmware-steps": firmware that acts between the accesses of the host, one step at a time.
#include <gtest/gtest.h>

#include "host.h"

namespace emulator {
namespace {

constexpr EmemChannel kStepping{2};

class EmemSteps : public testing::TestWithParam<Model> {
 protected:
  void spread(const char* gaps) { ASSERT_TRUE(host.device->set_fault("firmware-steps", gaps)); }
  // Accesses that are nothing to the mailbox.
  void pass(unsigned accesses) {
    for (unsigned i = 0; i < accesses; ++i)
      (void)host.read(0);
  }
  bool command_waits() { return host.read(kStepping.command_head) != host.read(kStepping.command_tail); }

  Host host{GetParam()};
};

const auto by_name = [](const auto& tested) { return model_name(tested.param); };
INSTANTIATE_TEST_SUITE_P(Models, EmemSteps, testing::Values(Model::gh100, Model::ls10), by_name);

TEST_P(EmemSteps, TakeTheCommandThenSetOnePointerAndThenTheOther) {
  spread("2/3/4");
  host.send(read_request(7));
  EXPECT_TRUE(command_waits());
  EXPECT_FALSE(command_waits()) << "taken after the second access";
  EXPECT_EQ(host.read(kStepping.message_head), 0U);
  EXPECT_EQ(host.read(kStepping.message_head), 0x800U) << "its head is there ...";
  pass(2);
  EXPECT_EQ(host.read(kStepping.message_tail), 0U) << "... and its tail not yet";
  EXPECT_EQ(host.read(kStepping.message_tail), 0x814U);
  EXPECT_EQ(host.receive(), (Words{0xC0000000, 0x1510DE7E, 0x3, 0x13, 0, 1}));
  EXPECT_EQ(host.device->counters().protocol_errors, 0U);
}

TEST_P(EmemSteps, MaySetTheTailFirst) {
  spread("0/0/1");
  ASSERT_TRUE(host.device->set_fault("tail-first", "1"));
  host.send(read_request(7));
  EXPECT_EQ(host.read(kStepping.message_head), 0U);
  EXPECT_EQ(host.read(kStepping.message_head), 0x800U);
  EXPECT_EQ(host.read(kStepping.message_tail), 0x814U);
}

TEST_P(EmemSteps, ReadTwoRegistersOfDifferentTimes) {
  spread("0/1/0");
  host.send(read_request(7));
  EXPECT_EQ(host.read(kStepping.message_head), 0U);
  EXPECT_EQ(host.read(kStepping.message_tail), 0x814U) << "all of it happened in between";
}

TEST_P(EmemSteps, ComeInTimeForAHostThatSleeps) {
  spread("255");
  host.send(read_request(7));
  for (int step = 0; step < 3; ++step)
    host.clock.advance(std::chrono::microseconds(500)), pass(1);
  EXPECT_TRUE(host.receive());
}

TEST_P(EmemSteps, LeaveACommandThatTheHostTookBack) {
  spread("3");
  host.send(write_request(8, 1));
  host.write(kStepping.command_tail, 0x800);
  host.write(kStepping.command_head, 0x800);
  pass(20);
  EXPECT_EQ(host.device->knob(8), 0);
  EXPECT_EQ(host.device->counters().protocol_errors, 0U);
}

TEST_P(EmemSteps, SeeAHostThatDoesNotWaitForTheReply) {
  spread("3");
  host.send(read_request(8));
  host.send(read_request(8));
  EXPECT_EQ(host.device->counters().protocol_errors, 1U);
}

TEST_P(EmemSteps, EndWithAReset) {
  spread("3");
  host.send(write_request(8, 1));
  host.reset();
  pass(30);
  EXPECT_EQ(host.device->knob(8), 0);
  EXPECT_FALSE(host.receive());
}

class BootSteps : public testing::TestWithParam<Model> {};
INSTANTIATE_TEST_SUITE_P(Models, BootSteps,
                         testing::Values(Model::gh100, Model::gb100, Model::gb202, Model::ls10), by_name);

TEST_P(BootSteps, LetRegistersAnswerThenTheModeAndThenTheBootRegister) {
  Host host(GetParam());
  ASSERT_TRUE(host.device->set_fault("firmware-steps", "2/2/2"));
  host.reset();
  EXPECT_EQ(host.read(0), kAllOnes);
  EXPECT_EQ(host.read(0), kAllOnes);
  EXPECT_NE(host.read(0), kAllOnes);
  EXPECT_FALSE(host.device->booted());
  EXPECT_NE(host.read(0), kAllOnes);
  EXPECT_FALSE(host.device->booted());
  (void)host.read(0);
  (void)host.read(0);
  (void)host.read(0);
  EXPECT_TRUE(host.device->booted());
}

class MnocSteps : public testing::TestWithParam<Model> {
 protected:
  Host host{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Models, MnocSteps, testing::Values(Model::gb100, Model::gb202), by_name);

TEST_P(MnocSteps, MakeRoomTakeReplyAndSeeThatTheReplyWasFetched) {
  ASSERT_TRUE(host.device->set_fault("firmware-steps", "1/1/1/2"));
  const auto request = read_request(7);
  host.write(kMnocReceiveInfo, 12 | 1U << 20U);
  EXPECT_EQ(host.read(kMnocReceiveInfo) & (kMnocReady | kMnocCredit), 0U);
  EXPECT_EQ(host.read(kMnocReceiveInfo) & (kMnocReady | kMnocCredit), kMnocCredit);
  for (const std::uint32_t word : request)
    host.write(kMnocReceiveData, word);
  EXPECT_EQ(host.read(kMnocReceiveInfo) & kMnocReady, 0U) << "not taken yet";
  EXPECT_NE(host.read(kMnocReceiveInfo) & kMnocReady, 0U);
  EXPECT_NE(host.read(kMnocSendInfo) & kMnocReady, 0U);
  for (unsigned word = 0; word < 6; ++word)
    (void)host.read(kMnocSendData);
  EXPECT_NE(host.read(kMnocSendInfo) & kMnocReady, 0U) << "the firmware has not seen it yet";
  EXPECT_NE(host.read(kMnocSendInfo) & kMnocReady, 0U);
  EXPECT_EQ(host.read(kMnocSendInfo) & kMnocReady, 0U);
  EXPECT_EQ(host.device->counters().protocol_errors, 0U);
}

TEST_P(MnocSteps, SeeAHostThatSendsWithoutRoom) {
  ASSERT_TRUE(host.device->set_fault("firmware-steps", "9"));
  host.send(read_request(7));
  EXPECT_EQ(host.device->counters().protocol_errors, 3U);
}

TEST(StepValues, AreNumbersWithStrokes) {
  Host host(Model::gb100);
  for (const char* good : {"0", "1", "255", "0/0/3", "1/2/3/4/5"})
    EXPECT_TRUE(host.device->set_fault("firmware-steps", good)) << good;
  for (const char* bad : {"/", "1/", "/1", "256", "x", "1,2", "-1"})
    EXPECT_FALSE(host.device->set_fault("firmware-steps", bad)) << bad;
  EXPECT_FALSE(host.device->set_fault("tail-first", "1")) << "there is no such queue";
}

}  // namespace
}  // namespace emulator
