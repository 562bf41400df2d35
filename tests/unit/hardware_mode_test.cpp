// Whole changes of mode on every architecture, judged by what the emulated hardware latched.
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

// Writes what differs, resets, boots.
void change_mode(test::EmulatedAccess& access, ConfidentialDevice& device, Mode mode) {
  const auto stored = device.stored_knobs(mode);
  ASSERT_TRUE(stored) << stored.error().message();
  for (const auto& target : target_knobs(device.chip().architecture, mode)) {
    const bool differs = std::ranges::find(*stored, target) == stored->end();
    ASSERT_TRUE(!differs || device.write_knob(target)) << to_string(target.knob);
  }
  ASSERT_TRUE(access.reset());
  ASSERT_TRUE(device.wait_until_booted(60s));
}

class Modes : public testing::TestWithParam<Model> {};

INSTANTIATE_TEST_SUITE_P(Models, Modes,
                         testing::Values(Model::gh100, Model::gb100, Model::gb102, Model::gb202, Model::ls10),
                         [](const auto& parameters) { return test::model_name(parameters.param); });

TEST_P(Modes, EveryChangeTakesOneResetAndTheHardwareAgrees) {
  test::EmulatedAccess access(GetParam(), {.reply = 200us, .reset = 100ms, .boot = 1s});
  auto device = access.open();
  ASSERT_TRUE(device) << device.error().message();
  for (const Mode from : device->chip().modes) {
    for (const Mode to : device->chip().modes) {
      for (const Mode mode : {from, to}) {
        change_mode(access, *device, mode);
        EXPECT_EQ(access.device().active_mode(), to_string(mode))
            << to_string(from) << " to " << to_string(to);
        EXPECT_EQ(device->active_mode()->mode, mode);
        EXPECT_TRUE(holds_target(device->stored_knobs(mode).value(), device->chip().architecture, mode));
      }
    }
  }
  EXPECT_THAT(access.protocol_errors(), IsEmpty());
}

TEST_P(Modes, TheModeIsTheLatchedOneUntilTheReset) {
  test::EmulatedAccess access(GetParam());
  auto device = access.open();
  ASSERT_TRUE(device);
  const Mode mode = device->chip().modes.back();  // ppcie or devtools
  for (const auto& target : target_knobs(device->chip().architecture, mode))
    ASSERT_TRUE(device->write_knob(target));
  EXPECT_EQ(device->active_mode()->mode, Mode::off);
  ASSERT_TRUE(access.reset());
  ASSERT_TRUE(device->wait_until_booted(60s));
  EXPECT_EQ(device->active_mode()->mode, mode);
}

TEST_P(Modes, AModeRegisterThatCannotBeReadIsAnErrorNotOff) {
  for (const char* name : {"bar0-all-ones", "bad-reads", "vanish"}) {
    test::EmulatedAccess access(GetParam());
    auto device = access.open();
    ASSERT_TRUE(device);
    ASSERT_TRUE(access.device().set_fault(name, "1"));
    EXPECT_FALSE(device->active_mode()) << name;
  }
}

TEST_P(Modes, RestoringAKnobWritesItOnlyWhereItDiffers) {
  test::EmulatedAccess access(GetParam());
  auto device = access.open();
  ASSERT_TRUE(device);
  access.device().set_knob(34, 1);
  const auto writes = access.device().counters().knob_writes;
  EXPECT_TRUE(device->restore_knob({Knob::unnamed_34, 1}));
  EXPECT_EQ(access.device().counters().knob_writes, writes);
  EXPECT_TRUE(device->restore_knob({Knob::unnamed_34, 0}));
  EXPECT_EQ(access.device().knob(34), 0);
}

class GpuModes : public Modes {};
INSTANTIATE_TEST_SUITE_P(Models, GpuModes, testing::Values(Model::gh100, Model::gb100),
                         [](const auto& parameters) { return test::model_name(parameters.param); });

TEST_P(GpuModes, AnInvalidStateIsUnknownAndEveryModeRepairsIt) {
  for (std::size_t i = 0;; ++i) {
    test::EmulatedAccess access(GetParam());
    ASSERT_TRUE(access.device().set_fault("invalid-state", "1"));
    auto device = access.open();
    ASSERT_TRUE(device);
    if (i == device->chip().modes.size()) break;
    EXPECT_EQ(device->active_mode()->mode, std::nullopt);
    change_mode(access, *device, device->chip().modes[i]);
    EXPECT_EQ(device->active_mode()->mode, device->chip().modes[i]);
  }
}

TEST(HopperModes, WriteTheKnobsInTheSafeOrder) {
  test::EmulatedAccess access(Model::gh100);
  auto device = access.open();
  ASSERT_TRUE(device);
  change_mode(access, *device, Mode::devtools);
  change_mode(access, *device, Mode::ppcie);
  change_mode(access, *device, Mode::off);
  EXPECT_THAT(access.knobs_written(),
              ElementsAre("8=1", "6=1",                  // CC before devtools
                          "6=0", "8=0", "10=2", "45=1",  // CC ends before PPCIe begins
                          "10=0", "45=0"));
}

TEST(HopperModes, OldFirmwareWithoutPpcieCanDoTheOtherModes) {
  test::EmulatedAccess access(Model::gh100);
  ASSERT_TRUE(access.device().set_fault("ppcie-unknown", "1"));
  auto device = access.open();
  ASSERT_TRUE(device);
  EXPECT_FALSE(device->knows_ppcie().value());
  const auto stored = device->stored_knobs(Mode::on);
  ASSERT_TRUE(stored);
  EXPECT_EQ(std::ranges::count(*stored, Knob::ppcie, &KnobSetting::knob), 0);
  EXPECT_TRUE(device->stored_knobs(Mode::off));
}

TEST(HopperModes, OldFirmwareWithoutPpcieIsToldForPpcie) {
  test::EmulatedAccess access(Model::gh100);
  ASSERT_TRUE(access.device().set_fault("ppcie-unknown", "1"));
  auto device = access.open();
  ASSERT_TRUE(device);
  const auto stored = device->stored_knobs(Mode::ppcie);
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().kind, ErrorKind::not_supported);
  EXPECT_THAT(stored.error().message(), HasSubstr("does not know knob 45 (PPCIe), which mode ppcie needs"));
}

// The knob that would end the mode cannot be read: a change to another mode must not claim success.
TEST(HopperModes, PpcieUnderFirmwareThatForgotItIsAnErrorForEveryOtherMode) {
  test::EmulatedAccess access(Model::gh100);
  access.device().set_knob(45, 1);
  access.device().latch_now();
  ASSERT_TRUE(access.device().set_fault("ppcie-unknown", "1"));
  auto device = access.open();
  ASSERT_TRUE(device);
  for (const Mode mode : {Mode::off, Mode::on, Mode::devtools})
    EXPECT_FALSE(device->stored_knobs(mode));
}

TEST(HopperModes, ThePpcieKnobIsKnownWhereItIs) {
  for (const auto& [model, known] :
       {std::pair{Model::gh100, true}, std::pair{Model::ls10, true}, std::pair{Model::gb100, false}}) {
    test::EmulatedAccess access(model);
    auto device = access.open();
    ASSERT_TRUE(device);
    EXPECT_EQ(device->knows_ppcie().value(), known) << test::model_name(model);
  }
}

// To know whether it is there it must be read, and that reading serves once, while nothing can have changed.
TEST(HopperModes, ThePpcieKnobIsNotReadTwiceInALookButAnewAfterAWriteOrAReset) {
  test::EmulatedAccess access(Model::gh100);
  auto device = access.open();
  ASSERT_TRUE(device);
  const auto reads = [&] {
    const auto before = access.device().counters().knob_reads;
    EXPECT_TRUE(device->stored_knobs(Mode::off));
    return access.device().counters().knob_reads - before;
  };
  EXPECT_EQ(reads(), 4U);
  EXPECT_TRUE(device->knows_ppcie().value());
  EXPECT_EQ(reads(), 3U);
  EXPECT_EQ(reads(), 4U);

  EXPECT_TRUE(device->knows_ppcie().value());
  ASSERT_TRUE(device->write_knob({Knob::ppcie, 1}));
  const auto stored = device->stored_knobs(Mode::off).value();
  EXPECT_NE(std::ranges::find(stored, KnobSetting{Knob::ppcie, 1}), stored.end());

  EXPECT_TRUE(device->knows_ppcie().value());
  ASSERT_TRUE(access.reset());
  ASSERT_TRUE(device->wait_until_booted(60s));
  EXPECT_EQ(reads(), 4U);
}

}  // namespace
}  // namespace nvccd
