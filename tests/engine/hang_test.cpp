// Workers that do not come back, or cannot begin: nobody waits for them for ever, and nobody else touches
// what they have.
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

class NoThreads : public testing::Test, public Node {};

TEST_F(NoThreads, ADeviceThatCannotBeLookedAtIsInDoubtAndNotFailed) {
  start_on(2);
  simulation->run_out_of_threads();
  manager->device_recovered(slot(0));
  simulation->pass(5s);
  EXPECT_EQ(device(0).state, DeviceState::discovered);
  EXPECT_EQ(device(0).error, "");
  EXPECT_FALSE(manager->node().ready);
  EXPECT_NE(manager->node().mode_state, ModeState::failed);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("0000:01:00.0: no thread could be started"), std::string::npos) << warnings[0];
  EXPECT_EQ(device(1).state, DeviceState::ready);
}

TEST_F(NoThreads, ALookIsTriedAgainUntilThereIsOneAndNotAllTheTime) {
  start_on(1);
  simulation->run_out_of_threads();
  manager->device_recovered(slot(0));
  simulation->pass(1min);
  EXPECT_GE(simulation->works_dropped(), 5U);
  EXPECT_LE(simulation->works_dropped(), 7U);
  manager->rescan();
  manager->device_recovered(slot(0));
  simulation->pass(5s);
  EXPECT_LE(simulation->works_dropped(), 8U) << "whatever happens meanwhile";
  EXPECT_EQ(warnings.size(), 1U);
  simulation->run_out_of_threads(false);
  simulation->pass(10s);
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(NoThreads, AJobAndTheStartWaitForTheLook) {
  settings.mode.default_mode = Mode::on;
  plug(0, Model::gh100);
  simulation->run_out_of_threads();
  start_daemon();
  simulation->pass(1min);
  EXPECT_FALSE(settled);
  const auto job = manager->set_mode(Mode::devtools, {});
  ASSERT_TRUE(job) << job.error().message();
  simulation->pass(1min);
  EXPECT_EQ(manager->current_job(), *job);
  simulation->run_out_of_threads(false);
  run();
  EXPECT_TRUE(settled);
  EXPECT_EQ(jobs->jobs[*job].state, JobState::done);
  EXPECT_EQ(hardware(0).active_mode(), "devtools");
}

TEST_F(NoThreads, ADeviceInUseStaysInUse) {
  start_on(1);
  // Out of sight, as libvirt's machines are; only the look that follows finds that.
  host->on_vfio_node = nullptr;
  ASSERT_TRUE(host->take_for_vm(slot(0)));
  manager->rescan();
  simulation->pass(1s);
  ASSERT_TRUE(device(0).in_use);
  const auto state = device(0).state;
  simulation->run_out_of_threads();
  simulation->pass(1min);
  EXPECT_TRUE(device(0).in_use);
  EXPECT_EQ(device(0).state, state);
  EXPECT_GE(simulation->works_dropped(), 5U);
  EXPECT_LE(simulation->works_dropped(), 7U);
  simulation->run_out_of_threads(false);
  ASSERT_TRUE(host->release_from_vm(slot(0)));
  simulation->pass(20s);
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(NoThreads, AnotherCardAtTheAddressIsLookedAtAtOnce) {
  start_on(1);
  simulation->run_out_of_threads();
  manager->device_recovered(slot(0));
  simulation->pass(1s);
  host->unplug(slot(0));
  manager->device_gone(slot(0));
  simulation->run_out_of_threads(false);
  plug(0, Model::gh100);
  simulation->pass(5s);
  EXPECT_TRUE(manager->node().ready);
}

}  // namespace
}  // namespace nvccd::test
