// Changes of mode of a whole node, judged by what the hardware itself says.
#include <fmt/format.h>

#include "node_fixture.h"

namespace nvccd::test {
namespace {

using emulator::Model;

struct Fleet {
  std::string name;
  std::vector<Model> models;
  bool does_ppcie = true;
};

const std::vector<Fleet>& fleets() {
  static const std::vector<Fleet> all = {
      {"hopper", {Model::gh100, Model::gh100, Model::gh100, Model::gh100}},
      {"hopper_with_switches", {Model::gh100, Model::gh100, Model::ls10, Model::ls10}},
      {"gb100", {Model::gb100, Model::gb100}, false},
      {"gb102", {Model::gb102}, false},
      {"gb202", {Model::gb202, Model::gb202}, false},
      {"mixed", {Model::gh100, Model::gb100, Model::gb202, Model::ls10}, false},
  };
  return all;
}

class EveryTransition : public testing::TestWithParam<std::tuple<std::size_t, Mode, Mode>> {};

TEST_P(EveryTransition, TakesOneResetOfEachDeviceThatChangesAndNoneOfOthers) {
  const auto& [fleet_index, from, to] = GetParam();
  const Fleet& fleet = fleets()[fleet_index];
  if (!fleet.does_ppcie && (from == Mode::ppcie || to == Mode::ppcie)) return;  // see RefusesPpcieOnBlackwell
  Node node;
  for (unsigned n = 0; n < fleet.models.size(); ++n)
    node.plug(n, fleet.models[n]);
  node.start_daemon();
  node.run();
  ASSERT_TRUE(node.settled);
  node.set_mode(from);
  std::vector<std::uint64_t> resets_before;
  for (unsigned n = 0; n < fleet.models.size(); ++n) {
    ASSERT_EQ(node.hardware(n).active_mode(), expected_mode(fleet.models[n], from));
    resets_before.push_back(node.resets(n));
  }

  const JobSnapshot job = node.set_mode(to);

  EXPECT_EQ(job.state, JobState::done) << job.error;
  for (unsigned n = 0; n < fleet.models.size(); ++n) {
    const auto expected = expected_mode(fleet.models[n], to);
    const bool changed = expected_mode(fleet.models[n], from) != expected;
    EXPECT_EQ(node.hardware(n).active_mode(), expected) << n;
    EXPECT_EQ(node.resets(n) - resets_before[n], changed ? 1 : 0) << n;
    EXPECT_EQ(node.device(n).state, DeviceState::ready) << n;
    EXPECT_EQ(to_string(node.device(n).mode), expected) << n;
    EXPECT_EQ(node.hardware(n).counters().protocol_errors, 0) << n;
  }
  EXPECT_EQ(node.manager->node().mode_state, to_mode_state(to));
  EXPECT_EQ(node.manager->node().ready, to == Mode::on || to == Mode::ppcie);
}

std::string transition_name(const testing::TestParamInfo<EveryTransition::ParamType>& info) {
  const auto& [fleet, from, to] = info.param;
  return fmt::format("{}_{}_to_{}", fleets()[fleet].name, to_string(from), to_string(to));
}

INSTANTIATE_TEST_SUITE_P(Node, EveryTransition,
                         testing::Combine(testing::Range<std::size_t>(0, 6),
                                          testing::ValuesIn(all_values<Mode>),
                                          testing::ValuesIn(all_values<Mode>)),
                         transition_name);

TEST(Transition, RefusesPpcieOnBlackwellNamingTheDeviceAndChangesNothing) {
  Node node;
  node.plug(0, Model::gh100);
  node.plug(1, Model::gb100);
  node.start_daemon();
  node.run();

  const auto job = node.manager->set_mode(Mode::ppcie, {});

  ASSERT_FALSE(job);
  EXPECT_EQ(job.error().kind, ErrorKind::not_supported);
  EXPECT_EQ(job.error().device, slot(1));
  EXPECT_EQ(node.manager->node().node_mode, std::nullopt);
  node.run();
  EXPECT_EQ(node.resets(0) + node.resets(1), 0);
}

TEST(Transition, RefusesPpcieWhereTheFirmwareDoesNotKnowIt) {
  Node node;
  node.plug(0, Model::gh100);
  node.plug(1, Model::gh100);
  node.hardware(1).set_fault("ppcie-unknown", "1");
  node.start_daemon();
  node.run();

  const auto job = node.manager->set_mode(Mode::ppcie, {});

  ASSERT_FALSE(job);
  EXPECT_EQ(job.error().kind, ErrorKind::not_supported);
  EXPECT_EQ(job.error().device, slot(1));
}

TEST(Transition, SetsConfidentialModesOnFirmwareThatDoesNotKnowPpcie) {
  Node node;
  node.plug(0, Model::gh100);
  node.hardware(0).set_fault("ppcie-unknown", "1");
  node.start_daemon();
  node.run();

  EXPECT_EQ(node.set_mode(Mode::on).state, JobState::done);
  EXPECT_EQ(node.hardware(0).active_mode(), "on");
}

TEST(Transition, DoesNotTouchDevicesThatAreRight) {
  Node node;
  node.settings.mode.default_mode = Mode::on;
  for (unsigned n = 0; n < 3; ++n) {
    node.plug(n, Model::gh100);
    node.hardware(n).set_knob(8, 1);
    node.hardware(n).set_knob(10, 2);
    node.hardware(n).latch_now();
  }
  node.start_daemon();
  node.run();

  EXPECT_TRUE(node.settled);
  EXPECT_TRUE(node.manager->node().ready);
  for (unsigned n = 0; n < 3; ++n) {
    EXPECT_EQ(node.resets(n), 0);
    EXPECT_EQ(node.hardware(n).counters().knob_writes, 0);
  }
}

TEST(Transition, PutsRightAKnobThatWasStagedButNeverLatched) {
  Node node;
  node.plug(0, Model::gh100);
  node.hardware(0).set_knob(8,
                            1);  // the register still says off; the next reset of any kind would switch CC on

  node.start_daemon();
  node.run();

  EXPECT_EQ(node.hardware(0).knob(8), 0);
  EXPECT_EQ(node.hardware(0).active_mode(), "off");
  EXPECT_EQ(node.device(0).state, DeviceState::ready);
}

TEST(Transition, RepairsTheInvalidState) {
  Node node;
  node.settings.mode.default_mode = Mode::on;
  node.plug(0, Model::gh100);
  node.hardware(0).set_fault("invalid-state", "1");
  ASSERT_EQ(node.hardware(0).active_mode(), "invalid");

  node.start_daemon();
  node.run();

  EXPECT_EQ(node.hardware(0).active_mode(), "on");
  EXPECT_TRUE(node.manager->node().ready);
}

TEST(Transition, PutsEveryKnobBackWhenOneDeviceRefusesAndResetsNone) {
  Node node;
  for (unsigned n = 0; n < 3; ++n)
    node.plug(n, Model::gh100);
  node.start_daemon();
  node.run();
  node.hardware(2).set_fault("fsp-error", "0x202@8/write");

  const JobSnapshot job = node.set_mode(Mode::on);

  EXPECT_EQ(job.state, JobState::failed);
  EXPECT_NE(job.error.find("0000:03:00.0: stage: "), std::string::npos) << job.error;
  EXPECT_NE(job.error.find("0x202"), std::string::npos) << job.error;
  for (unsigned n = 0; n < 3; ++n) {
    EXPECT_EQ(node.resets(n), 0) << n;
    for (const unsigned knob : {2U, 4U, 6U, 8U, 10U, 34U, 45U})
      EXPECT_EQ(node.hardware(n).knob(knob), 0) << n << knob;
    EXPECT_EQ(node.hardware(n).active_mode(), "off") << n;
  }
  EXPECT_GT(node.hardware(0).counters().knob_writes, 0) << "nothing had been staged, so nothing was put back";
  EXPECT_EQ(node.manager->node().mode_state, ModeState::failed);
}

// One that answers nothing says nothing against the others; in ppcie it is missing from their fabric.
TEST(Transition, GoesOnWithoutADeviceThatDoesNotAnswerUnlessTheyAreOneFabric) {
  for (const auto& [fault, value] : {std::pair{"no-reply", "1"}, std::pair{"fsp-error", "0x202"},
                                     std::pair{"bar0-all-ones", "1"}, std::pair{"recovery", "1"}})
    for (const Mode mode : {Mode::on, Mode::devtools, Mode::ppcie}) {
      SCOPED_TRACE(fmt::format("{} {}", fault, to_string(mode)));
      Node node;
      for (unsigned n = 0; n < 3; ++n)
        node.plug(n, Model::gh100);
      node.start_daemon();
      node.run();
      node.hardware(1).set_fault(fault, value);

      const JobSnapshot job = node.set_mode(mode);

      EXPECT_EQ(job.state, JobState::failed);
      EXPECT_NE(job.error.find("0000:02:00.0: "), std::string::npos) << job.error;
      for (const unsigned n : {0U, 2U}) {
        EXPECT_EQ(node.hardware(n).active_mode(), mode == Mode::ppcie ? "off" : to_string(mode)) << n;
        EXPECT_EQ(node.resets(n), mode == Mode::ppcie ? 0 : 1) << n;
      }
      EXPECT_EQ(node.resets(1), 0);
      EXPECT_FALSE(node.manager->node().ready);
    }
}

TEST(Transition, IsCancelledUntilTheFirstResetAndNotAfterwards) {
  for (const bool late : {false, true}) {
    Node node;
    for (unsigned n = 0; n < 2; ++n)
      node.plug(n, Model::gh100);
    node.start_daemon();
    node.run();
    const JobId job = node.manager->set_mode(Mode::on, {}).value();
    const auto reached = [&] {
      return late ? node.resets(0) > 0 : node.hardware(0).counters().knob_writes > 0;
    };
    while (!reached())
      ASSERT_TRUE(node.simulation->step(std::chrono::hours(1)));

    EXPECT_EQ(node.manager->cancel(job).has_value(), !late);
    node.run();

    EXPECT_EQ(node.jobs->jobs[job].state, late ? JobState::done : JobState::cancelled);
    for (unsigned n = 0; n < 2; ++n) {
      EXPECT_EQ(node.hardware(n).active_mode(), late ? "on" : "off");
      EXPECT_EQ(node.hardware(n).knob(8), late ? 1 : 0);
      EXPECT_EQ(node.resets(n), late ? 1 : 0);
      EXPECT_EQ(node.device(n).state, DeviceState::ready);
    }
    EXPECT_EQ(node.manager->node().requested_mode, late ? Mode::on : Mode::off);
  }
}

TEST(Transition, WorksOnAllDevicesAtOnce) {
  Node node;
  node.settings.mode.default_mode = Mode::on;
  for (unsigned n = 0; n < 16; ++n)
    node.plug(n, Model::gh100);
  node.start_daemon();
  node.run();
  EXPECT_EQ(node.simulation->most_workers_at_once(), 16);
  const auto start = node.simulation->now();
  node.manager->set_mode(Mode::off, {}).value();
  while (node.manager->current_job())
    ASSERT_TRUE(node.simulation->step(node.simulation->now() + std::chrono::hours(1)));
  // One device alone needs its reset and its boot, 60 ms; sixteen one after the other would need a second.
  EXPECT_LT(node.simulation->now() - start, std::chrono::milliseconds(120));
}

}  // namespace
}  // namespace nvccd::test
