// One thing that is wrong with a good host, and the finding that says so.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "preflight_host.h"

namespace nvccd::test {

struct Case {
  const char* name;
  const char* id;
  CheckResult result;
  const char* found;  // part of what is said
  std::function<void(GoodHost&, preflight::Input&)> change;
};

namespace results {
inline constexpr auto fails = CheckResult::fail;
inline constexpr auto warns = CheckResult::warn;
inline constexpr auto skips = CheckResult::skip;
inline constexpr auto passes = CheckResult::ok;
}  // namespace results

inline std::string describe(const Finding& finding) {
  return finding.id + " is " + std::string(to_string(finding.result)) + ": " + finding.found;
}

// A small GPU for the host itself, which nvccd is to leave alone.
inline void exclude_a_gpu(GoodHost& host, preflight::Input& input) {
  constexpr PciAddress small{0, 0x01, 0, 0};
  host.add_function(small, "/sys/devices/pci0000:00", "0x10de", "0x1fb0", "0x030000");
  input.settings->settings.devices.push_back({.match = {.address = small}, .managed = false});
}

// nullptr: there is none.
inline const Finding* find(const Findings& findings, std::string_view id) {
  for (const auto& finding : findings)
    if (finding.id == id) return &finding;
  return nullptr;
}

inline void expect_found(const Case& broken) {
  GoodHost host;
  auto input = host.input();
  broken.change(host, input);
  const auto findings = preflight::run(input);
  const auto* finding = find(findings, broken.id);
  ASSERT_NE(finding, nullptr) << broken.id;
  EXPECT_EQ(finding->result, broken.result) << describe(*finding);
  EXPECT_THAT(finding->found, testing::HasSubstr(broken.found));
  // Trouble comes with what to do about it, and nothing else does.
  const bool trouble = finding->result == CheckResult::warn || finding->result == CheckResult::fail;
  EXPECT_EQ(!finding->advice.empty(), trouble) << finding->id;
}

inline std::string by_name(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

}  // namespace nvccd::test
