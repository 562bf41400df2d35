// Whether the node is ready. In doubt it is not: every combination of states of two devices is tried.
#include <gtest/gtest.h>

#include <array>

#include "common/policy/desired.h"

namespace nvccd {
namespace {

using enum DeviceState;

constexpr std::array all_states = {discovered, binding, transitioning, ready, busy, failed, unmanaged};

DeviceSnapshot device(DeviceState state, const char* error = "", Mode mode = Mode::on) {
  DeviceSnapshot snapshot;
  snapshot.state = state;
  snapshot.mode = mode;
  snapshot.error = error;
  return snapshot;
}

NodeSummary summary_of(const std::vector<DeviceSnapshot>& devices, bool changing = false) {
  std::vector<const DeviceSnapshot*> pointers;
  for (const auto& snapshot : devices)
    pointers.push_back(&snapshot);
  return summarize(pointers, changing);
}

TEST(NodeSummary, IsReadyOnlyWhenEveryManagedDeviceIs) {
  for (const auto first : all_states) {
    for (const auto second : all_states) {
      const bool good = (first == ready || first == unmanaged) && (second == ready || second == unmanaged) &&
                        !(first == unmanaged && second == unmanaged);
      const auto summary = summary_of({device(first), device(second)});
      const auto what = testing::Message() << to_string(first) << " and " << to_string(second);
      EXPECT_EQ(summary.ready, good) << what;
      EXPECT_EQ(summary.mode_state == ModeState::on, good) << what;
      EXPECT_EQ(summary.mode_state == ModeState::failed, first == failed || second == failed) << what;
    }
  }
}

DeviceSnapshot verified(DeviceKind kind, Mode mode) {
  auto snapshot = device(ready, "", mode);
  snapshot.kind = kind;
  return snapshot;
}

TEST(NodeSummary, IsReadyInTheModesThatProtectAndInNoOther) {
  for (const Mode mode : all_values<Mode>) {
    const auto summary = summary_of({verified(DeviceKind::gpu, mode)});
    EXPECT_EQ(summary.ready, mode == Mode::on || mode == Mode::ppcie) << to_string(mode);
  }
}

TEST(NodeSummary, NamesTheModeOnceEveryDeviceWasVerifiedInIt) {
  for (const Mode mode : all_values<Mode>) {
    const auto gpu = verified(DeviceKind::gpu, mode);
    EXPECT_EQ(summary_of({gpu, gpu}).mode_state, to_mode_state(mode));
  }
}

TEST(NodeSummary, SwitchesHaveAPartInPpcieOnly) {
  const auto idle_switch = verified(DeviceKind::nvswitch, Mode::off);
  EXPECT_TRUE(summary_of({verified(DeviceKind::gpu, Mode::on), idle_switch}).ready);
  EXPECT_FALSE(summary_of({verified(DeviceKind::gpu, Mode::ppcie), idle_switch}).ready);
  EXPECT_TRUE(
      summary_of({verified(DeviceKind::gpu, Mode::ppcie), verified(DeviceKind::nvswitch, Mode::ppcie)})
          .ready);
}

TEST(NodeSummary, SwitchesAloneMakeNoNodeOn) {
  const auto summary = summary_of({verified(DeviceKind::nvswitch, Mode::off)});
  EXPECT_FALSE(summary.ready) << "its GPUs are gone, or excluded";
  EXPECT_EQ(summary.mode_state, ModeState::off);
}

TEST(NodeSummary, IsInNoModeWhenTheSettingsGiveOneGpuAnother) {
  const auto summary =
      summary_of({verified(DeviceKind::gpu, Mode::on), verified(DeviceKind::gpu, Mode::off)});
  EXPECT_FALSE(summary.ready) << "a confidential guest may get the GPU that is off";
  EXPECT_EQ(summary.mode_state, ModeState::unknown);
  EXPECT_NE(summary.error, "");
}

TEST(NodeSummary, TellsTheModeThatTheHardwareIsInNotTheOneAskedFor) {
  const auto summary = summary_of({verified(DeviceKind::gpu, Mode::off)});
  EXPECT_FALSE(summary.ready);
  EXPECT_EQ(summary.mode_state, ModeState::off);
}

TEST(NodeSummary, IsNeverReadyWhileSomethingChanges) {
  for (const auto state : all_states) {
    const auto summary = summary_of({device(state), device(ready)}, true);
    EXPECT_FALSE(summary.ready) << to_string(state);
    EXPECT_EQ(summary.mode_state, ModeState::transitioning) << to_string(state);
  }
}

TEST(NodeSummary, WithoutAManagedDeviceNothingIsClaimed) {
  for (const auto& devices : {std::vector<DeviceSnapshot>{}, std::vector{device(unmanaged)}}) {
    const auto summary = summary_of(devices);
    EXPECT_FALSE(summary.ready);
    EXPECT_EQ(summary.mode_state, ModeState::unknown);
    EXPECT_EQ(summary.error, "");
  }
}

TEST(NodeSummary, ABusyDeviceMakesTheStateUnknownNotFailed) {
  EXPECT_EQ(summary_of({device(busy), device(ready)}).mode_state, ModeState::unknown);
}

TEST(NodeSummary, TellsTheErrorOfTheFirstFailedDevice) {
  const std::vector devices = {device(ready), device(failed, "the first"), device(failed, "the second")};
  EXPECT_EQ(summary_of(devices).error, "the first");
  EXPECT_EQ(summary_of(devices, true).error, "the first");
}

TEST(NodeSummary, AnUnmanagedDeviceWithAnErrorDoesNotMatter) {
  const auto summary = summary_of({device(ready), device(unmanaged, "left alone")});
  EXPECT_TRUE(summary.ready);
  EXPECT_EQ(summary.error, "");
}

}  // namespace
}  // namespace nvccd
