// Reading and writing knobs through both kinds of mailbox, and everything that can go wrong in them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emulated_access.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;
using emulator::Model;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class MailboxOf : public testing::TestWithParam<Model> {
 protected:
  explicit MailboxOf(Model model, const emulator::Delays& delays = {}) : access(model, delays) {}
  MailboxOf() : MailboxOf(GetParam()) {}

  PrcClient client() {
    const bool mnoc = GetParam() != Model::gh100 && GetParam() != Model::ls10;
    return {make_transport(mnoc ? Mailbox::mnoc : Mailbox::emem, access.registers(), access.clock()),
            access.clock()};
  }
  void fault(const char* name, const char* value = "1") {
    ASSERT_TRUE(access.device().set_fault(name, value)) << name;
  }
  Duration now() { return access.clock().now(); }

  test::EmulatedAccess access;
};

std::string name_of(const testing::TestParamInfo<Model>& info) {
  return test::model_name(info.param);
}

// For what differs by the kind of mailbox only, one model of each kind will do.
class BothMailboxes : public MailboxOf {};
INSTANTIATE_TEST_SUITE_P(Kinds, BothMailboxes, testing::Values(Model::gh100, Model::gb100), name_of);

class EveryMailbox : public MailboxOf {};
INSTANTIATE_TEST_SUITE_P(Models, EveryMailbox,
                         testing::Values(Model::gh100, Model::gb100, Model::gb102, Model::gb202, Model::ls10),
                         name_of);

TEST_P(EveryMailbox, StoresAndReturnsEveryKnobAsACarefulHost) {
  auto prc = client();
  for (const Knob knob : {Knob::unnamed_2, Knob::unnamed_4, Knob::cc_devtools, Knob::cc_mode,
                          Knob::bar0_decoupler, Knob::unnamed_34, Knob::ppcie}) {
    ASSERT_TRUE(prc.write(knob, 2)) << to_string(knob);
    EXPECT_EQ(access.device().knob(std::to_underlying(knob)), 2);
    EXPECT_EQ(prc.read(knob).value(), std::uint16_t{2});
  }
  EXPECT_THAT(access.protocol_errors(), IsEmpty());
}

TEST_P(BothMailboxes, AnswersEveryKnobWithItsOwnValue) {
  access.device().set_knob(6, 1);
  access.device().set_knob(8, 2);
  access.device().set_knob(45, 3);
  auto prc = client();
  EXPECT_EQ(prc.read(Knob::cc_devtools).value(), std::uint16_t{1});
  EXPECT_EQ(prc.read(Knob::cc_mode).value(), std::uint16_t{2});
  EXPECT_EQ(prc.read(Knob::ppcie).value(), std::uint16_t{3});
}

TEST_P(BothMailboxes, TheUpperHalfOfAValueDoesNotMatter) {
  fault("dirty-reply");
  auto prc = client();
  EXPECT_EQ(prc.read(Knob::cc_mode).value(), std::uint16_t{0});
  EXPECT_TRUE(prc.write(Knob::cc_mode, 1));
}

TEST_P(BothMailboxes, AUsualReplyIsThereWithinAMillisecond) {
  access.device().set_delays({.reply = 200us});
  auto prc = client();
  ASSERT_TRUE(prc.read(Knob::cc_mode));
  const auto start = now();
  ASSERT_TRUE(prc.read(Knob::cc_mode));
  EXPECT_LT(now() - start, 1ms);
}

TEST_P(BothMailboxes, ASlowReplyIsWaitedFor) {
  fault("late-reply", "4900");
  access.device().set_knob(8, 1);
  auto prc = client();
  EXPECT_EQ(prc.read(Knob::cc_mode).value(), std::uint16_t{1});
  EXPECT_THAT(access.protocol_errors(), IsEmpty());
}

TEST_P(BothMailboxes, SilenceIsAnErrorAfterFiveSecondsThatSaysWhatToDo) {
  fault("no-reply");
  auto prc = client();
  const auto start = now();
  const auto value = prc.read(Knob::cc_mode);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().kind, ErrorKind::hardware_failed);
  EXPECT_TRUE(value.error().transient);
  EXPECT_THAT(value.error().message(), HasSubstr("did not reply to a request within 5 s"));
  EXPECT_THAT(value.error().message(), HasSubstr("reset or power-cycle the device"));
  EXPECT_GE(now() - start, 5s);
  EXPECT_LT(now() - start, 6s);
}

TEST_P(BothMailboxes, ACommandThatIsNeverTakenIsAnErrorAndTheNextOneIsSentAnew) {
  fault("no-reply", "stuck");
  auto prc = client();
  ASSERT_FALSE(prc.read(Knob::cc_mode));
  ASSERT_FALSE(prc.read(Knob::cc_mode));
  access.device().clear_faults();
  access.device().set_knob(8, 1);
  EXPECT_EQ(prc.read(Knob::cc_mode).value(), std::uint16_t{1});
}

// Replies carry no number: a late one must not count as the answer to whatever is asked next.
TEST_P(BothMailboxes, AReplyAfterTheLimitIsNotTakenForTheNextOne) {
  access.device().set_knob(6, 1);
  access.device().set_knob(8, 0);
  for (const char* milliseconds : {"5001", "5500", "7000", "9000"}) {
    fault("late-reply", milliseconds);
    auto prc = client();
    ASSERT_FALSE(prc.read(Knob::cc_devtools)) << milliseconds;
    access.device().clear_faults();
    EXPECT_EQ(prc.read(Knob::cc_mode).value(), std::uint16_t{0}) << milliseconds;
    EXPECT_EQ(prc.read(Knob::cc_devtools).value(), std::uint16_t{1}) << milliseconds;
  }
  EXPECT_THAT(access.protocol_errors(), IsEmpty());
}

TEST_P(BothMailboxes, WhatAPredecessorLeftIsNotTakenForAReply) {
  access.device().set_knob(6, 0);
  const bool emem = GetParam() == Model::gh100;
  for (const char* what : {emem ? "1" : "message", "message"}) {  // a planted reply says 1
    fault("stale-queues", what);
    auto prc = client();
    EXPECT_EQ(prc.read(Knob::cc_devtools).value(), std::uint16_t{0}) << what;
    EXPECT_TRUE(prc.write(Knob::cc_mode, 1)) << what;
  }
}

TEST_P(BothMailboxes, AReplyToAPredecessorsRequestThatIsStillUnderWayIsNotTakenForOurs) {
  access.device().set_knob(6, 1);
  access.device().set_delays({.reply = 1ms});
  auto transport = make_transport(GetParam() == Model::gh100 ? Mailbox::emem : Mailbox::mnoc,
                                  access.registers(), access.clock());
  ASSERT_TRUE(transport->send(make_packet(MessageType::prc, std::array{0x0006020cU})));  // then it is killed
  auto prc = client();
  EXPECT_EQ(prc.read(Knob::cc_mode).value(), std::uint16_t{0});
  EXPECT_THAT(access.protocol_errors(), IsEmpty());
}

TEST_P(BothMailboxes, AReplyNobodyAskedForIsAnErrorAndTheNextRequestIsClean) {
  auto prc = client();
  ASSERT_TRUE(prc.read(Knob::cc_mode));
  fault("stale-queues", "message");
  const auto value = prc.read(Knob::cc_mode);
  ASSERT_FALSE(value);
  EXPECT_TRUE(value.error().transient);
  EXPECT_EQ(prc.read(Knob::cc_mode).value(), std::uint16_t{0});
}

struct Garbled {
  const char* fault;
  const char* value;
  const char* message;
};

class GarbledReply : public testing::TestWithParam<std::tuple<Model, Garbled>> {};

TEST_P(GarbledReply, IsAPassingErrorAndTheNextReplyIsUnderstood) {
  const auto& [model, garbled] = GetParam();
  test::EmulatedAccess access(model);
  access.device().set_knob(8, 1);
  const auto mailbox = model == Model::gh100 ? Mailbox::emem : Mailbox::mnoc;
  PrcClient prc(make_transport(mailbox, access.registers(), access.clock()), access.clock());
  ASSERT_TRUE(access.device().set_fault(garbled.fault, garbled.value));
  const auto value = prc.read(Knob::cc_mode);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().kind, ErrorKind::hardware_failed);
  EXPECT_TRUE(value.error().transient);
  EXPECT_THAT(value.error().message(), HasSubstr(garbled.message));
  access.device().clear_faults();
  EXPECT_EQ(prc.read(Knob::cc_mode).value(), std::uint16_t{1});
}

std::string garbled_name(const testing::TestParamInfo<std::tuple<Model, Garbled>>& parameters) {
  const auto& [model, garbled] = parameters.param;
  std::string name = test::model_name(model) + "_" + garbled.fault + "_" + garbled.value;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    Faults, GarbledReply,
    testing::Combine(
        testing::Values(Model::gh100, Model::gb100),
        testing::Values(Garbled{"short-reply", "1",
                                "the read of knob 8 (CC mode) has 0 words of payload instead of 1"},
                        Garbled{"short-reply", "2", "4 words, at least 5 expected"},
                        Garbled{"oversized-reply", "1", "has 2 words of payload instead of 1"},
                        Garbled{"oversized-reply", "250", "has 251 words of payload instead of 1"},
                        Garbled{"wrong-reply-type", "1", "message type 0x13 instead of a response"},
                        Garbled{"wrong-echo", "1", "answers a request of type 0x15"})),
    garbled_name);

TEST_P(BothMailboxes, AReplyLargerThanTheMailboxIsAnErrorThatReadsNothing) {
  fault("oversized-reply", "5000");
  auto prc = client();
  const auto accesses = access.device().counters().register_accesses;
  const auto value = prc.read(Knob::cc_mode);
  ASSERT_FALSE(value);
  EXPECT_TRUE(value.error().transient);
  EXPECT_LT(access.device().counters().register_accesses - accesses, 100U);
}

TEST_P(BothMailboxes, AReplyOfOneWordOrNoneIsAnErrorNotAHang) {
  for (const char* missing : {"5", "6"}) {
    fault("short-reply", missing);
    auto prc = client();
    const auto start = now();
    EXPECT_FALSE(prc.read(Knob::cc_mode)) << missing;
    EXPECT_LT(now() - start, 6s) << missing;
  }
}

TEST_P(BothMailboxes, AnUnknownKnobIsAnAnswerNotAnError) {
  fault("ppcie-unknown");
  auto prc = client();
  EXPECT_EQ(prc.read(Knob::ppcie).value(), std::nullopt);
  EXPECT_EQ(prc.read(Knob::cc_mode).value(), std::uint16_t{0});
  const auto written = prc.write(Knob::ppcie, 1);
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message(), HasSubstr("0x1e3 (unknown knob)"));
}

TEST_P(BothMailboxes, ARefusalNamesTheKnobAndTheCodeAndIsNotTriedAgain) {
  fault("fsp-error", "0x202");
  auto prc = client();
  const auto value = prc.read(Knob::cc_mode);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().kind, ErrorKind::hardware_failed);
  EXPECT_FALSE(value.error().transient);
  EXPECT_THAT(value.error().message(),
              HasSubstr("the firmware refused to read knob 8 (CC mode): error 0x202"));
  const auto written = prc.write(Knob::cc_mode, 1);
  ASSERT_FALSE(written);
  EXPECT_FALSE(written.error().transient);
  EXPECT_THAT(written.error().message(), HasSubstr("refused to write knob 8 (CC mode): error 0x202"));
}

TEST_P(BothMailboxes, AWriteThatIsForbiddenIsARefusal) {
  fault("permission-denied", "@8");
  auto prc = client();
  EXPECT_FALSE(prc.write(Knob::cc_mode, 1));
  EXPECT_TRUE(prc.write(Knob::cc_devtools, 1));
}

TEST_P(BothMailboxes, AWriteThatTheFirmwareForgetsIsNoticed) {
  fault("not-stored", "@8");
  auto prc = client();
  const auto written = prc.write(Knob::cc_mode, 1);
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message(), HasSubstr("knob 8 (CC mode) was written as 1 but reads back as 0"));
}

TEST_P(BothMailboxes, ABusErrorInTheMiddleIsAPassingError) {
  auto prc = client();
  ASSERT_TRUE(prc.read(Knob::cc_mode));
  fault("bad-reads", "1");
  const auto value = prc.read(Knob::cc_mode);
  ASSERT_FALSE(value);
  EXPECT_TRUE(value.error().transient);
  EXPECT_THAT(value.error().message(), HasSubstr("0xbadf5720"));
  EXPECT_TRUE(prc.read(Knob::cc_mode));
}

TEST_P(BothMailboxes, ADeviceThatVanishedIsAnErrorAtOnce) {
  auto prc = client();
  ASSERT_TRUE(prc.read(Knob::cc_mode));
  fault("vanish");
  const auto start = now();
  const auto value = prc.read(Knob::cc_mode);
  ASSERT_FALSE(value);
  EXPECT_THAT(value.error().message(), HasSubstr("0xffffffff"));
  EXPECT_LT(now() - start, 1s);
}

class MnocMailbox : public MailboxOf {};
INSTANTIATE_TEST_SUITE_P(Models, MnocMailbox, testing::Values(Model::gb100, Model::gb202), name_of);

TEST_P(MnocMailbox, ThatIsNeverReadyIsAnErrorAfterFiveSeconds) {
  fault("mnoc-not-ready");
  auto prc = client();
  const auto start = now();
  const auto value = prc.read(Knob::cc_mode);
  ASSERT_FALSE(value);
  EXPECT_THAT(value.error().message(), HasSubstr("did not accept a request within 5 s"));
  EXPECT_LT(now() - start, 6s);
}

TEST_P(MnocMailbox, ThatGrantsNoRoomIsAnErrorAfterOneSecond) {
  fault("mnoc-no-credit");
  auto prc = client();
  const auto start = now();
  const auto value = prc.read(Knob::cc_mode);
  ASSERT_FALSE(value);
  EXPECT_THAT(value.error().message(), HasSubstr("granted no room for a request within 1 s"));
  EXPECT_LT(now() - start, 2s);
  EXPECT_THAT(access.protocol_errors(), IsEmpty());
}

TEST_P(MnocMailbox, ARequestThatAPredecessorSentByHalvesIsAnErrorUntilAReset) {
  fault("stale-queues", "command");
  auto prc = client();
  const auto value = prc.read(Knob::cc_mode);
  ASSERT_FALSE(value);
  EXPECT_THAT(value.error().message(), HasSubstr("reset or power-cycle the device"));
  ASSERT_TRUE(access.reset());
  EXPECT_TRUE(prc.read(Knob::cc_mode));
}

TEST_P(MnocMailbox, ThatReportsAnErrorIsBelievedAndUsedAgainAfterwards) {
  for (const char* direction : {"send", "receive"}) {
    auto prc = client();
    fault("mnoc-error", direction);
    const auto value = prc.read(Knob::cc_mode);
    ASSERT_FALSE(value) << direction;
    EXPECT_THAT(value.error().message(), HasSubstr("the mailbox reports an error"));
    access.device().clear_faults();
    EXPECT_TRUE(prc.read(Knob::cc_mode)) << direction;
  }
}

}  // namespace
}  // namespace nvccd
