// Whether the node is ready. In doubt it is not: every combination of states of two devices is tried.
#include <gtest/gtest.h>

#include <array>

#include "policy/desired.h"

namespace nvccd {
namespace {

using enum DeviceState;

constexpr std::array all_states = {discovered, binding, transitioning, ready, busy, failed, unmanaged};

DeviceSnapshot device(DeviceState state, const char* error = "") {
  DeviceSnapshot snapshot;
  snapshot.state = state;
  snapshot.error = error;
  return snapshot;
}

NodeSummary summary_of(const std::vector<DeviceSnapshot>& devices, Mode requested = Mode::on,
                       bool changing = false) {
  std::vector<const DeviceSnapshot*> pointers;
  for (const auto& snapshot : devices)
    pointers.push_back(&snapshot);
  return summarize(requested, pointers, changing);
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

TEST(NodeSummary, IsReadyInTheModesThatProtectAndInNoOther) {
  EXPECT_TRUE(summary_of({device(ready)}, Mode::on).ready);
  EXPECT_TRUE(summary_of({device(ready)}, Mode::ppcie).ready);
  EXPECT_FALSE(summary_of({device(ready)}, Mode::off).ready);
  EXPECT_FALSE(summary_of({device(ready)}, Mode::devtools).ready);
}

TEST(NodeSummary, NamesTheModeOnceEveryDeviceWasVerifiedInIt) {
  for (const Mode mode : all_modes)
    EXPECT_EQ(summary_of({device(ready), device(ready)}, mode).mode_state, to_mode_state(mode));
}

TEST(NodeSummary, IsNeverReadyWhileSomethingChanges) {
  for (const auto state : all_states) {
    const auto summary = summary_of({device(state), device(ready)}, Mode::on, true);
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
  EXPECT_EQ(summary_of(devices, Mode::on, true).error, "the first");
}

TEST(NodeSummary, AnUnmanagedDeviceWithAnErrorDoesNotMatter) {
  const auto summary = summary_of({device(ready), device(unmanaged, "left alone")});
  EXPECT_TRUE(summary.ready);
  EXPECT_EQ(summary.error, "");
}

}  // namespace
}  // namespace nvccd
