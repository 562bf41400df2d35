// Workers that do not come back: nobody waits for them for ever, and nobody else touches what they have.
#include "node_fixture.h"

namespace nvccd::test {
namespace {

using emulator::Model;
using namespace std::chrono_literals;

class HangTest : public testing::Test, public Node {};

TEST_F(HangTest, AJobOfADeviceThatHangsEndsAndOthersAreDone) {
  start_on(2);
  host->take_driver(slot(0));
  host->let_binding_hang(slot(0), 24h);
  const auto job = manager->bind(slot(0)).value();
  simulation->pass(10min);
  EXPECT_EQ(jobs->jobs[job].state, JobState::failed);
  EXPECT_EQ(device(0).state, DeviceState::failed);
  EXPECT_FALSE(manager->current_job());
  EXPECT_TRUE(manager->reset(slot(1)));
  simulation->pass(1min);
  EXPECT_EQ(device(1).state, DeviceState::ready);
}

TEST_F(HangTest, AJobThatComesBackLateIsFollowedByALook) {
  start_on(1);
  host->take_driver(slot(0));
  host->let_binding_hang(slot(0), 10min);
  manager->bind(slot(0)).value();
  simulation->pass(5min);
  EXPECT_EQ(device(0).state, DeviceState::failed);
  host->let_binding_hang(slot(0), Duration::zero());
  run();
  EXPECT_EQ(device(0).state, DeviceState::ready);
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(HangTest, LostEventsDoNotHideThatALookHangs) {
  start_on(1);
  host->plug(slot(1), Model::gh100, delays, "nvidia");
  host->let_binding_hang(slot(1), 24h);
  manager->device_appeared(slot(1));
  simulation->pass(10min);
  ASSERT_EQ(device(1).state, DeviceState::failed);
  manager->vfio_events_lost();
  simulation->pass(1min);
  EXPECT_EQ(device(1).state, DeviceState::failed);
  EXPECT_EQ(manager->node().mode_state, ModeState::failed);
}

TEST_F(HangTest, NoSecondWorkerTouchesADeviceWhoseResetHangs) {
  start_on(1);
  host->let_reset_hang(slot(0), 20min);
  const auto first = manager->set_mode(Mode::off, {}).value();
  simulation->pass(5min);
  EXPECT_EQ(jobs->jobs[first].state, JobState::failed);
  EXPECT_EQ(device(0).state, DeviceState::failed);
  const auto accesses = hardware(0).counters().register_accesses;

  const auto second = manager->set_mode(Mode::devtools, {});
  simulation->pass(5min);
  EXPECT_EQ(hardware(0).counters().register_accesses, accesses);
  EXPECT_TRUE(!second || jobs->jobs[*second].state == JobState::failed);

  host->let_reset_hang(slot(0), delays.reset);
  run();
  EXPECT_EQ(hardware(0).active_mode(), "devtools") << "the last wish, once the device can be had again";
  EXPECT_EQ(device(0).state, DeviceState::ready);
}

}  // namespace
}  // namespace nvccd::test
