// The words that users, scripts and the bus see. They are an interface: changing one breaks somebody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/model/device.h"
#include "common/model/node.h"

namespace nvccd {
namespace {

TEST(ModeNames, AreReadAndPrintedAlike) {
  EXPECT_EQ(parse_mode("off"), Mode::off);
  EXPECT_EQ(parse_mode("on"), Mode::on);
  EXPECT_EQ(parse_mode("devtools"), Mode::devtools);
  EXPECT_EQ(parse_mode("ppcie"), Mode::ppcie);
  for (const Mode mode : all_modes)
    EXPECT_EQ(parse_mode(to_string(mode)), mode);
}

TEST(ModeNames, NothingElseIsAMode) {
  for (const char* text : {"", "ON", "On", " on", "on ", "unknown", "failed", "true", "1", "cc"})
    EXPECT_EQ(parse_mode(text), std::nullopt) << text;
}

TEST(ModeNames, AModeThatCouldNotBeReadIsUnknown) {
  EXPECT_EQ(to_string(std::optional<Mode>()), "unknown");
  EXPECT_EQ(to_string(std::optional(Mode::ppcie)), "ppcie");
}

TEST(ModeStateNames, AreTheModesAndThreeMore) {
  for (const Mode mode : all_modes)
    EXPECT_EQ(to_string(to_mode_state(mode)), to_string(mode));
  EXPECT_EQ(to_string(ModeState::unknown), "unknown");
  EXPECT_EQ(to_string(ModeState::transitioning), "transitioning");
  EXPECT_EQ(to_string(ModeState::failed), "failed");
}

TEST(DeviceNames, KindsAreReadAndPrintedAlike) {
  EXPECT_EQ(to_string(DeviceKind::gpu), "gpu");
  EXPECT_EQ(to_string(DeviceKind::nvswitch), "nvswitch");
  EXPECT_EQ(parse_device_kind("gpu"), DeviceKind::gpu);
  EXPECT_EQ(parse_device_kind("nvswitch"), DeviceKind::nvswitch);
  EXPECT_EQ(parse_device_kind("GPU"), std::nullopt);
  EXPECT_EQ(parse_device_kind("switch"), std::nullopt);
}

TEST(DeviceNames, StatesAndArchitecturesAreThoseOfTheInterface) {
  using enum DeviceState;
  std::vector<std::string_view> states;
  for (const auto state : {discovered, binding, transitioning, ready, busy, failed, unmanaged})
    states.push_back(to_string(state));
  EXPECT_THAT(states, testing::ElementsAre("discovered", "binding", "transitioning", "ready", "busy",
                                           "failed", "unmanaged"));
  std::vector<std::string_view> architectures;
  for (const auto architecture :
       {Architecture::unknown, Architecture::hopper, Architecture::blackwell, Architecture::ls10})
    architectures.push_back(to_string(architecture));
  EXPECT_THAT(architectures, testing::ElementsAre("unknown", "hopper", "blackwell", "ls10"));
}

TEST(NodeNames, JobsAndHostsAreThoseOfTheInterface) {
  EXPECT_EQ(to_string(HostConfidential::none), "none");
  EXPECT_EQ(to_string(HostConfidential::tdx), "tdx");
  EXPECT_EQ(to_string(HostConfidential::sev_snp), "sev-snp");
  EXPECT_EQ(to_string(JobKind::set_mode), "set-mode");
  EXPECT_EQ(to_string(JobKind::clear_mode), "clear-mode");
  EXPECT_EQ(to_string(JobKind::clear_mode), "clear-mode");
  EXPECT_EQ(to_string(JobKind::bind), "bind");
  EXPECT_EQ(to_string(JobKind::unbind), "unbind");
  EXPECT_EQ(to_string(JobKind::reset), "reset");
  std::vector<std::string_view> phases;
  for (const auto phase :
       {JobPhase::evict, JobPhase::bind, JobPhase::stage, JobPhase::reset, JobPhase::boot, JobPhase::verify})
    phases.push_back(to_string(phase));
  EXPECT_THAT(phases, testing::ElementsAre("evict", "bind", "stage", "reset", "boot", "verify"));
}

TEST(Jobs, AreFinishedWhenDoneFailedOrCancelledAndNeverBefore) {
  const auto finished = [](JobState state) { return JobSnapshot{.state = state}.finished(); };
  EXPECT_FALSE(finished(JobState::queued));
  EXPECT_FALSE(finished(JobState::waiting));
  EXPECT_FALSE(finished(JobState::running));
  EXPECT_TRUE(finished(JobState::done));
  EXPECT_TRUE(finished(JobState::failed));
  EXPECT_TRUE(finished(JobState::cancelled));
}

TEST(Devices, AreHealthyInStateReadyAndInNoOther) {
  using enum DeviceState;
  DeviceSnapshot device;
  for (const auto state : {discovered, binding, transitioning, busy, failed, unmanaged}) {
    device.state = state;
    EXPECT_FALSE(device.healthy()) << to_string(state);
  }
  device.state = ready;
  EXPECT_TRUE(device.healthy());
}

}  // namespace
}  // namespace nvccd
