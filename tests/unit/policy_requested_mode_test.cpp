// Which mode the node should be in: settings, node mode and what the host's processor can protect.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/policy/desired.h"

namespace nvccd {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto none = HostConfidential::none;

class OnConfidentialHost : public testing::TestWithParam<HostConfidential> {};

TEST_P(OnConfidentialHost, TheDefaultAppliesWithoutAWarning) {
  for (const Mode mode : {Mode::off, Mode::on, Mode::devtools}) {
    const ModeSettings settings{.default_mode = mode, .node = {}};
    const auto requested = requested_mode(settings, std::nullopt, GetParam());
    EXPECT_EQ(requested.mode, mode);
    EXPECT_THAT(requested.warning, IsEmpty());
    EXPECT_EQ(effective_default(settings, GetParam()), mode);
  }
}

TEST_P(OnConfidentialHost, EveryNodeModeAppliesWithoutAWarning) {
  for (const Mode mode : all_values<Mode>) {
    const auto requested = requested_mode({}, mode, GetParam());
    EXPECT_EQ(requested.mode, mode);
    EXPECT_THAT(requested.warning, IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(Hosts, OnConfidentialHost,
                         testing::Values(HostConfidential::tdx, HostConfidential::sev_snp));

TEST(OnOrdinaryHost, AProtectedDefaultBecomesOffWithAWarningThatNamesTheSetting) {
  for (const Mode mode : {Mode::on, Mode::devtools}) {
    const ModeSettings settings{.default_mode = mode, .node = {}};
    const auto requested = requested_mode(settings, std::nullopt, none);
    EXPECT_EQ(requested.mode, Mode::off);
    EXPECT_THAT(requested.warning, HasSubstr("off instead of " + std::string(to_string(mode))));
    EXPECT_THAT(requested.warning, HasSubstr("mode.require_confidential_host = false"));
    EXPECT_EQ(effective_default(settings, none), Mode::off);
  }
}

TEST(OnOrdinaryHost, ADefaultOfOffNeedsNoWarning) {
  const auto requested = requested_mode({.default_mode = Mode::off, .node = {}}, std::nullopt, none);
  EXPECT_EQ(requested.mode, Mode::off);
  EXPECT_THAT(requested.warning, IsEmpty());
}

TEST(OnOrdinaryHost, ANodeModeAppliesAllTheSameWithAWarning) {
  for (const Mode mode : {Mode::on, Mode::devtools, Mode::ppcie}) {
    const auto requested = requested_mode({}, mode, none);
    EXPECT_EQ(requested.mode, mode);
    EXPECT_THAT(requested.warning, HasSubstr("neither TDX nor SEV-SNP"));
  }
  EXPECT_THAT(requested_mode({}, Mode::off, none).warning, IsEmpty());
}

TEST(OnOrdinaryHost, NothingChangesWhenNoConfidentialHostIsRequired) {
  const ModeSettings settings{.default_mode = Mode::on, .node = {}, .require_confidential_host = false};
  EXPECT_EQ(requested_mode(settings, std::nullopt, none).mode, Mode::on);
  EXPECT_THAT(requested_mode(settings, std::nullopt, none).warning, IsEmpty());
  EXPECT_THAT(requested_mode(settings, Mode::ppcie, none).warning, IsEmpty());
  EXPECT_EQ(effective_default(settings, none), Mode::on);
}

TEST(NodeMode, OfTheSettingsWinsOverTheDefault) {
  const ModeSettings settings{.default_mode = Mode::on, .node = Mode::ppcie};
  EXPECT_EQ(requested_mode(settings, std::nullopt, HostConfidential::tdx).mode, Mode::ppcie);
}

TEST(NodeMode, SetAtRunTimeWinsOverTheSettings) {
  const ModeSettings settings{.default_mode = Mode::on, .node = Mode::ppcie};
  EXPECT_EQ(requested_mode(settings, Mode::devtools, HostConfidential::tdx).mode, Mode::devtools);
}

TEST(NodeMode, OfTheSettingsAppliesOnAnOrdinaryHostWithAWarning) {
  const ModeSettings settings{.default_mode = Mode::off, .node = Mode::on};
  const auto requested = requested_mode(settings, std::nullopt, none);
  EXPECT_EQ(requested.mode, Mode::on);
  EXPECT_THAT(requested.warning, HasSubstr("mode on"));
}

}  // namespace
}  // namespace nvccd
