// The words that users, scripts and the bus see. They are an interface: changing one breaks somebody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "common/bus/error_name.h"
#include "common/config/settings.h"
#include "common/model/finding.h"
#include "common/model/node.h"

namespace nvccd {
namespace {

using Words = std::set<std::string, std::less<>>;

template <typename Enum>
Words words_of() {
  Words words;
  for (const Enum value : all_values<Enum>)
    words.emplace(to_string(value));
  return words;
}

// What is in quotation marks where the expression's group matches the file.
Words quoted_in(const std::string& file, const std::string& place) {
  std::stringstream text;
  text << std::ifstream(NVCCD_SOURCE_DIR + file).rdbuf();
  const std::string whole = text.str();
  std::smatch found;
  EXPECT_TRUE(std::regex_search(whole, found, std::regex(place))) << file << ": " << place;
  const std::string part = found[1];
  const std::regex quoted("\"([^\"]+)\"");
  Words words;
  for (std::sregex_iterator match(part.begin(), part.end(), quoted), end; match != end; ++match)
    words.insert((*match)[1]);
  return words;
}

template <typename Enum>
class EnumTables : public testing::Test {};
using Enums = testing::Types<Mode, DeviceKind, Architecture, DeviceState, ModeState, HostConfidential,
                             JobKind, JobState, JobPhase, CheckResult, ErrorKind, Takeover, WhenBusy>;
TYPED_TEST_SUITE(EnumTables, Enums);

TYPED_TEST(EnumTables, PrintReadAndListEveryValueByAWordOfItsOwn) {
  for (const TypeParam value : all_values<TypeParam>)
    EXPECT_EQ(parse_enum<TypeParam>(to_string(value)), value);
  EXPECT_EQ(words_of<TypeParam>().size(), all_values<TypeParam>.size());
  for (const char* word : {"", " ", "no such word"})
    EXPECT_EQ(parse_enum<TypeParam>(word), std::nullopt) << word;
}

TEST(EnumWords, AreThoseOfTheInterface) {
  const auto property = [](const std::string& interface, const std::string& name) {
    return quoted_in("/dbus/org.nvccd1." + interface + ".xml", "\n      " + name + ":\n((?:.+\n)*?)    -->");
  };
  EXPECT_EQ(property("Device", "Kind"), words_of<DeviceKind>());
  EXPECT_EQ(property("Device", "Architecture"), words_of<Architecture>());
  EXPECT_EQ(property("Device", "State"), words_of<DeviceState>());
  EXPECT_EQ(property("Job", "Kind"), words_of<JobKind>());
  EXPECT_EQ(property("Job", "State"), words_of<JobState>());
  EXPECT_EQ(property("Job", "Phase"), words_of<JobPhase>());
  EXPECT_EQ(property("Manager", "ModeState"), words_of<ModeState>());
  EXPECT_EQ(property("Manager", "HostConfidential"), words_of<HostConfidential>());
  EXPECT_EQ(quoted_in("/dbus/org.nvccd1.Manager.xml", "@mode: (.*)\n"), words_of<Mode>());
  EXPECT_EQ(quoted_in("/dbus/org.nvccd1.Manager.xml", "@findings:[^;]*;(.*)\n"), words_of<CheckResult>());
}

TEST(EnumWords, AreThoseOfTheSchemaOfTheStateFile) {
  const auto member = [](const std::string& name) {
    return quoted_in("/conf/state.schema.json", "\"" + name + "\": \\{[^}]*\"enum\": (\\[[^\\]]*\\])");
  };
  EXPECT_EQ(member("mode_state"), words_of<ModeState>());
  EXPECT_EQ(member("host_confidential"), words_of<HostConfidential>());
  EXPECT_EQ(member("kind"), words_of<DeviceKind>());
  EXPECT_EQ(member("architecture"), words_of<Architecture>());
  EXPECT_EQ(member("state"), words_of<DeviceState>());
  EXPECT_EQ(member("node_mode"), words_of<Mode>());
}

TEST(ModeNames, AreReadAndPrintedAlike) {
  EXPECT_EQ(parse_enum<Mode>("off"), Mode::off);
  EXPECT_EQ(parse_enum<Mode>("on"), Mode::on);
  EXPECT_EQ(parse_enum<Mode>("devtools"), Mode::devtools);
  EXPECT_EQ(parse_enum<Mode>("ppcie"), Mode::ppcie);
  for (const Mode mode : all_values<Mode>)
    EXPECT_EQ(parse_enum<Mode>(to_string(mode)), mode);
}

TEST(ModeNames, NothingElseIsAMode) {
  for (const char* text : {"", "ON", "On", " on", "on ", "unknown", "failed", "true", "1", "cc"})
    EXPECT_EQ(parse_enum<Mode>(text), std::nullopt) << text;
}

TEST(ModeNames, AModeThatCouldNotBeReadIsUnknown) {
  EXPECT_EQ(to_string(std::optional<Mode>()), "unknown");
  EXPECT_EQ(to_string(std::optional(Mode::ppcie)), "ppcie");
}

TEST(ModeStateNames, AreTheModesAndThreeMore) {
  for (const Mode mode : all_values<Mode>)
    EXPECT_EQ(to_string(to_mode_state(mode)), to_string(mode));
  EXPECT_EQ(to_string(ModeState::unknown), "unknown");
  EXPECT_EQ(to_string(ModeState::transitioning), "transitioning");
  EXPECT_EQ(to_string(ModeState::failed), "failed");
}

TEST(DeviceNames, KindsAreReadAndPrintedAlike) {
  EXPECT_EQ(to_string(DeviceKind::gpu), "gpu");
  EXPECT_EQ(to_string(DeviceKind::nvswitch), "nvswitch");
  EXPECT_EQ(parse_enum<DeviceKind>("gpu"), DeviceKind::gpu);
  EXPECT_EQ(parse_enum<DeviceKind>("nvswitch"), DeviceKind::nvswitch);
  EXPECT_EQ(parse_enum<DeviceKind>("GPU"), std::nullopt);
  EXPECT_EQ(parse_enum<DeviceKind>("switch"), std::nullopt);
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
