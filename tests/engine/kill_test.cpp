// The daemon is killed at every register access and every reset of a change, or the node's power is cut
// there. The next start brings the node where it should be, and nothing in between says ready.
#include <fmt/format.h>

#include <iostream>

#include "node_fixture.h"

namespace nvccd::test {
namespace {

using emulator::Model;

const std::vector<Model> models = {Model::gh100, Model::ls10, Model::gh100};
const std::vector<Model> mixed_models = {Model::gb100, Model::gb202, Model::gh100};

struct Story {
  const std::vector<Model>* models;
  Mode from, to;
};

class KillTest : public testing::TestWithParam<Story> {
 protected:
  static bool hardware_is(Node& node, const std::vector<Model>& fleet, Mode mode) {
    for (unsigned n = 0; n < fleet.size(); ++n)
      if (node.hardware(n).active_mode() != expected_mode(fleet[n], mode) || !node.hardware(n).booted())
        return false;
    return true;
  }

  // False: the change was over before that step.
  static bool run_case(const Story& story, std::uint64_t kill_at, bool power_cut) {
    const auto& fleet = *story.models;
    const auto context = fmt::format("{} -> {}, killed at step {}{}", to_string(story.from),
                                     to_string(story.to), kill_at, power_cut ? " by a power cut" : "");
    Node node;
    for (unsigned n = 0; n < fleet.size(); ++n)
      node.plug(n, fleet[n]);
    node.start_daemon();
    node.run();
    EXPECT_EQ(node.set_mode(story.from).state, JobState::done) << context;

    std::uint64_t steps = 0;
    node.host->on_step = [&](std::uint64_t) {
      const auto& state = node.manager->node();
      EXPECT_TRUE(!state.ready || hardware_is(node, fleet, state.requested_mode)) << context;
      if (++steps == kill_at) node.simulation->kill();
    };
    EXPECT_TRUE(node.manager->set_mode(story.to, {})) << context;
    node.run();
    const bool killed = node.simulation->killed();
    node.host->on_step = nullptr;
    node.stop_daemon();
    node.simulation->revive();
    if (!killed) return false;
    // A process that dies in the middle of a reset dies when the kernel has finished the reset.
    node.simulation->pass(Node::delays.reset);
    if (power_cut)
      for (unsigned n = 0; n < fleet.size(); ++n)
        node.cut_power(n);

    node.start_daemon();
    EXPECT_FALSE(node.manager->node().ready) << context;
    node.run();
    EXPECT_TRUE(node.settled) << context;
    EXPECT_TRUE(hardware_is(node, fleet, story.to)) << context;
    EXPECT_EQ(node.manager->node().mode_state, to_mode_state(story.to)) << context;
    for (unsigned n = 0; n < fleet.size(); ++n)
      EXPECT_EQ(node.device(n).state, DeviceState::ready) << context;
    return true;
  }
};

TEST_P(KillTest, ConvergesFromEveryStep) {
  for (const bool power_cut : {false, true}) {
    std::uint64_t points = 0;
    // A power cut is a kill and more: a sample of the points is enough for the more.
    const std::uint64_t stride = power_cut ? 7 : 1;
    while (run_case(GetParam(), points * stride + 1, power_cut) && !HasFailure())
      ++points;
    EXPECT_GT(points, 40) << "the change has fewer steps than it can have";
    std::cout << fmt::format("{} -> {}: {} points of {}\n", to_string(GetParam().from),
                             to_string(GetParam().to), points, power_cut ? "power cut" : "kill");
  }
}

std::string story_name(const testing::TestParamInfo<Story>& info) {
  return fmt::format("{}_{}_to_{}", info.param.models == &models ? "hopper" : "mixed",
                     to_string(info.param.from), to_string(info.param.to));
}

INSTANTIATE_TEST_SUITE_P(Engine, KillTest,
                         testing::Values(Story{&models, Mode::off, Mode::on},
                                         Story{&models, Mode::on, Mode::ppcie},
                                         Story{&models, Mode::ppcie, Mode::devtools},
                                         Story{&mixed_models, Mode::on, Mode::off}),
                         story_name);

}  // namespace
}  // namespace nvccd::test
