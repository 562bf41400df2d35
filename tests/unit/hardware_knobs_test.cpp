// Which knobs make a mode, and that no interruption while they are written leaves a state of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "daemon/hardware/chip.h"
#include "daemon/hardware/knobs.h"

namespace nvccd {
namespace {

constexpr Architecture architectures[] = {Architecture::hopper, Architecture::blackwell, Architecture::ls10};

std::vector<Mode> modes_of(Architecture architecture) {
  const auto supported = [&]() -> std::span<const Mode> {
    switch (architecture) {
      case Architecture::hopper:
        return find_gpu_chip(0x2330)->modes;
      case Architecture::blackwell:
        return find_gpu_chip(0x2901)->modes;
      case Architecture::ls10:
        return find_switch_chip(0x007000a1)->modes;
      case Architecture::unknown:
        break;
    }
    return {};
  }();
  return {supported.begin(), supported.end()};
}

using Store = std::map<unsigned, unsigned>;

bool devtools_without_cc(const Store& knobs) {
  return knobs.at(6) == 1 && knobs.at(8) == 0;
}

bool cc_and_ppcie(const Store& knobs) {
  return knobs.at(45) == 1 && knobs.at(8) == 1;
}

std::string describe(const Store& knobs) {
  std::string text;
  for (const auto& [knob, value] : knobs)
    text += std::to_string(knob) + "=" + std::to_string(value) + " ";
  return text;
}

// Any state of the knobs that matter, the impossible ones included.
std::vector<Store> all_stores() {
  std::vector<Store> stores;
  for (unsigned bits = 0; bits < 16; ++bits)
    stores.push_back({{2, 1},
                      {4, 1},
                      {34, 1},
                      {6, bits & 1},
                      {8, bits >> 1 & 1},
                      {10, bits >> 2 & 2},
                      {45, bits >> 2 & 1}});
  return stores;
}

TEST(KnobOrder, NoPrefixLeavesDevtoolsWithoutCcNorCcWithPpcie) {
  for (const auto architecture : architectures) {
    for (const Mode mode : modes_of(architecture)) {
      for (const auto& start : all_stores()) {
        // A switch has no CC, and Blackwell no PPCIe: their knobs of that name are always 0.
        if (architecture == Architecture::ls10 && (start.at(6) != 0 || start.at(8) != 0)) continue;
        if (architecture == Architecture::blackwell && start.at(45) != 0) continue;
        Store store = start;
        for (const auto& setting : target_knobs(architecture, mode)) {
          store[std::to_underlying(setting.knob)] = setting.value;
          const auto where = testing::Message() << to_string(architecture) << " to " << to_string(mode)
                                                << " from " << describe(start) << "after "
                                                << to_string(setting.knob) << ": " << describe(store);
          EXPECT_TRUE(!devtools_without_cc(store) || devtools_without_cc(start)) << where;
          EXPECT_TRUE(!cc_and_ppcie(store) || cc_and_ppcie(start)) << where;
        }
        EXPECT_FALSE(devtools_without_cc(store) || cc_and_ppcie(store))
            << to_string(architecture) << " " << to_string(mode);
      }
    }
  }
}

struct Target {
  Architecture architecture;
  Mode mode;
  Store knobs;
};

class KnobTarget : public testing::TestWithParam<Target> {};

TEST_P(KnobTarget, IsTheWholeTuple) {
  Store store;
  for (const auto& setting : target_knobs(GetParam().architecture, GetParam().mode)) {
    EXPECT_FALSE(store.contains(std::to_underlying(setting.knob)))
        << "written twice: " << to_string(setting.knob);
    store[std::to_underlying(setting.knob)] = setting.value;
  }
  EXPECT_EQ(store, GetParam().knobs);
}

INSTANTIATE_TEST_SUITE_P(
    Modes, KnobTarget,
    testing::Values(
        Target{Architecture::hopper, Mode::off, {{6, 0}, {8, 0}, {10, 0}, {45, 0}}},
        Target{Architecture::hopper, Mode::on, {{2, 0}, {4, 0}, {34, 0}, {6, 0}, {8, 1}, {10, 2}, {45, 0}}},
        Target{Architecture::hopper,
               Mode::devtools,
               {{2, 0}, {4, 0}, {34, 0}, {6, 1}, {8, 1}, {10, 0}, {45, 0}}},
        Target{
            Architecture::hopper, Mode::ppcie, {{2, 0}, {4, 0}, {34, 0}, {6, 0}, {8, 0}, {10, 2}, {45, 1}}},
        Target{Architecture::blackwell, Mode::off, {{6, 0}, {8, 0}}},
        Target{Architecture::blackwell, Mode::on, {{2, 0}, {4, 0}, {34, 0}, {6, 0}, {8, 1}}},
        Target{Architecture::blackwell, Mode::devtools, {{2, 0}, {4, 0}, {34, 0}, {6, 1}, {8, 1}}},
        Target{Architecture::ls10, Mode::off, {{10, 0}, {45, 0}}},
        Target{
            Architecture::ls10, Mode::ppcie, {{2, 0}, {4, 0}, {34, 0}, {6, 0}, {8, 0}, {10, 0}, {45, 1}}}));

TEST(KnobTargets, AreNothingForADeviceThatIsNotKnown) {
  EXPECT_THAT(target_knobs(Architecture::unknown, Mode::on), testing::IsEmpty());
}

TEST(HoldsTarget, IsTrueForTheTargetAndForNoSingleDeviation) {
  for (const auto architecture : architectures) {
    for (const Mode mode : modes_of(architecture)) {
      const auto target = target_knobs(architecture, mode);
      EXPECT_TRUE(holds_target(target, architecture, mode));
      for (std::size_t i = 0; i < target.size(); ++i) {
        auto stored = target;
        stored[i].value ^= 1;
        EXPECT_FALSE(holds_target(stored, architecture, mode)) << to_string(target[i].knob);
      }
    }
  }
}

TEST(HoldsTarget, IsFalseForEveryOtherMode) {
  for (const auto architecture : architectures)
    for (const Mode stored : modes_of(architecture))
      for (const Mode wanted : modes_of(architecture))
        EXPECT_EQ(holds_target(target_knobs(architecture, stored), architecture, wanted), stored == wanted)
            << to_string(architecture) << ": " << to_string(stored) << " for " << to_string(wanted);
}

TEST(HoldsTarget, AKnobThatTheFirmwareLacksDoesNotMatter) {
  auto stored = target_knobs(Architecture::hopper, Mode::on);
  std::erase_if(stored, [](const KnobSetting& setting) { return setting.knob == Knob::ppcie; });
  EXPECT_TRUE(holds_target(stored, Architecture::hopper, Mode::on));
}

TEST(KnobNames, AreTheNumberAndWhatItMeansWhereThatIsKnown) {
  EXPECT_EQ(to_string(Knob::cc_mode), "knob 8 (CC mode)");
  EXPECT_EQ(to_string(Knob::ppcie), "knob 45 (PPCIe)");
  EXPECT_EQ(to_string(Knob::unnamed_34), "knob 34");
}

}  // namespace
}  // namespace nvccd
