// What the daemon does when something happens to the node: hot-plug, removal, VMs, restarts, settings.
#include "node_fixture.h"

namespace nvccd::test {
namespace {

using emulator::Model;

class ReconcileTest : public testing::Test, public Node {};

TEST_F(ReconcileTest, BindsAndSwitchesOnADeviceThatIsPluggedIn) {
  start_on(1);
  host->plug(slot(5), Model::gh100, delays, "");

  manager->device_appeared(slot(5));
  EXPECT_FALSE(manager->node().ready);
  run();

  EXPECT_EQ(device(5).driver, "vfio-pci");
  EXPECT_EQ(hardware(5).active_mode(), "on");
  EXPECT_TRUE(manager->node().ready);
  EXPECT_EQ(resets(0), 1) << "the other device was touched";
}

TEST_F(ReconcileTest, ForgetsADeviceThatIsRemoved) {
  start_on(2);
  host->unplug(slot(0));
  manager->device_gone(slot(0));
  run();
  EXPECT_FALSE(manager->devices().contains(slot(0)));
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(ReconcileTest, TellsOfARemovalWhenTheDeviceIsNoLongerListed) {
  class Witness final : public ManagerObserver {
   public:
    explicit Witness(Manager& manager) : manager_(manager) {}
    void device_removed(const PciAddress& address) override {
      still_listed = manager_.devices().contains(address);
    }
    std::optional<bool> still_listed;

   private:
    Manager& manager_;
  };
  start_on(2);
  Witness witness(*manager);
  manager->add_observer(witness);
  const auto generation = manager->node().generation;
  host->unplug(slot(0));
  manager->device_gone(slot(0));
  EXPECT_EQ(witness.still_listed, false) << "what an observer writes now would still show the device";
  EXPECT_GT(manager->node().generation, generation);
  manager->remove_observer(witness);
}

TEST_F(ReconcileTest, FinishesTheOthersWhenADeviceIsPulledOutInMidTransition) {
  start_on(3);
  manager->set_mode(Mode::off, {}).value();
  while (device(1).state != DeviceState::transitioning)
    ASSERT_TRUE(simulation->step(std::chrono::hours(1)));
  while (resets(1) == 1)
    ASSERT_TRUE(simulation->step(std::chrono::hours(1)));

  host->unplug(slot(1));
  manager->device_gone(slot(1));
  run();

  const auto& job = jobs->jobs.rbegin()->second;
  EXPECT_EQ(job.state, JobState::failed);
  EXPECT_NE(job.error.find("0000:02:00.0"), std::string::npos) << job.error;
  EXPECT_EQ(hardware(0).active_mode(), "off");
  EXPECT_EQ(hardware(2).active_mode(), "off");
  EXPECT_FALSE(manager->devices().contains(slot(1)));
}

TEST_F(ReconcileTest, RefusesAChangeOfADeviceInUseWhenToldNotToWait) {
  start_on(2);
  ASSERT_TRUE(host->take_for_vm(slot(1)));
  run();
  EXPECT_TRUE(device(1).in_use);
  EXPECT_EQ(device(1).state, DeviceState::ready);

  const auto job = manager->set_mode(Mode::off, {.wait = false});

  ASSERT_FALSE(job);
  EXPECT_EQ(job.error().kind, ErrorKind::device_busy);
  EXPECT_EQ(job.error().device, slot(1));
  run();
  EXPECT_EQ(hardware(0).active_mode(), "on");
  EXPECT_EQ(manager->node().requested_mode, Mode::on);
}

TEST_F(ReconcileTest, WaitsForADeviceInUseAndGoesOnByItself) {
  start_on(2);
  ASSERT_TRUE(host->take_for_vm(slot(1)));
  run();

  const JobSnapshot waiting = set_mode(Mode::off, {.wait = true});
  EXPECT_EQ(waiting.state, JobState::waiting);
  EXPECT_EQ(device(1).state, DeviceState::busy);
  EXPECT_EQ(resets(1), 1) << "the device was reset under the VM";

  host->release_from_vm(slot(1));
  run();

  EXPECT_EQ(jobs->jobs[waiting.id].state, JobState::done) << jobs->jobs[waiting.id].error;
  EXPECT_EQ(hardware(0).active_mode(), "off");
  EXPECT_EQ(hardware(1).active_mode(), "off");
}

TEST_F(ReconcileTest, ADeviceInUseIsReadyAgainWhenTheChangeIsNoLongerWanted) {
  start_on(2);
  ASSERT_TRUE(host->take_for_vm(slot(1)));
  run();
  const JobSnapshot waiting = set_mode(Mode::off, {.wait = true});
  EXPECT_EQ(device(1).mode, Mode::on) << "it was verified in that, and nobody but its VM had it since";
  EXPECT_FALSE(manager->node().ready);

  ASSERT_TRUE(manager->cancel(waiting.id));
  run();

  EXPECT_EQ(device(1).state, DeviceState::ready);
  EXPECT_TRUE(device(1).in_use);
  EXPECT_TRUE(manager->node().ready);
  EXPECT_EQ(resets(1), 1);
}

TEST_F(ReconcileTest, ADeviceThatWentFromOneVmToAnotherDuringALookIsNotReady) {
  start_on(1);
  ASSERT_TRUE(host->take_for_vm(slot(0)));
  run();
  const std::string node = device(0).vfio_group;
  manager->rescan();
  // While the look finds it in use, its VM lets go of it and the next one takes it.
  manager->vfio_node_closed(node);
  manager->vfio_node_opened(node);
  run();
  EXPECT_EQ(device(0).state, DeviceState::busy) << "the first VM may have changed anything";
  EXPECT_FALSE(manager->node().ready);

  host->release_from_vm(slot(0));
  run();
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(ReconcileTest, VerifiesADeviceAgainAfterItsVmLetGoOfIt) {
  start_on(1);
  ASSERT_TRUE(host->take_for_vm(slot(0)));
  run();
  hardware(0).set_knob(8, 0);  // the guest did that
  hardware(0).latch_now();

  host->release_from_vm(slot(0));
  simulation->step(std::chrono::hours(1));
  EXPECT_FALSE(manager->node().ready);
  EXPECT_NE(device(0).state, DeviceState::ready);
  run();

  EXPECT_EQ(hardware(0).active_mode(), "on");
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(ReconcileTest, DoesNotSayReadyForADeviceThatWasInUseBeforeTheStart) {
  settings.mode.default_mode = Mode::on;
  plug(0, Model::gh100);
  hardware(0).set_knob(8, 1);
  hardware(0).latch_now();
  host->take_for_vm(slot(0));
  start_daemon();
  run();
  EXPECT_TRUE(settled);
  EXPECT_EQ(device(0).state, DeviceState::busy);
  EXPECT_FALSE(manager->node().ready);
}

TEST_F(ReconcileTest, KeepsTheNodeModeAcrossARestart) {
  start_on(1);
  set_mode(Mode::devtools);
  start_daemon();
  run();
  EXPECT_EQ(manager->node().node_mode, Mode::devtools);
  EXPECT_EQ(hardware(0).active_mode(), "devtools");
  EXPECT_EQ(resets(0), 2) << "on and devtools took one reset each, the restart none";
}

TEST_F(ReconcileTest, GoesBackToTheDefaultWhenTheNodeModeIsCleared) {
  start_on(1);
  set_mode(Mode::off);
  manager->clear_mode({}).value();
  run();
  EXPECT_EQ(hardware(0).active_mode(), "on");
  EXPECT_EQ(manager->node().node_mode, std::nullopt);
}

TEST_F(ReconcileTest, SaysWhatADryRunWouldChangeAndChangesNothing) {
  start_on(2);
  const auto job = set_mode(Mode::off, {.dry_run = true});
  EXPECT_EQ(job.state, JobState::done);
  EXPECT_EQ(job.devices.size(), 2);
  EXPECT_EQ(resets(0), 1);
  EXPECT_EQ(manager->node().requested_mode, Mode::on);
}

TEST_F(ReconcileTest, DoesNotWaitForADriverThatDoesNotLetGoOfItsDevice) {
  settings.mode.default_mode = Mode::on;
  plug(0, Model::gh100);
  host->plug(slot(1), Model::gh100, delays, "nvidia");
  host->let_binding_hang(slot(1), std::chrono::hours(24));
  start_daemon();
  run();
  EXPECT_TRUE(settled);
  EXPECT_EQ(device(0).state, DeviceState::ready);
  EXPECT_EQ(device(1).state, DeviceState::failed);
  EXPECT_EQ(manager->node().mode_state, ModeState::failed);
  // A change of the node ends too, and says which device it failed for.
  const auto job = set_mode(Mode::ppcie);
  EXPECT_EQ(job.state, JobState::failed);
  EXPECT_NE(job.error.find("0000:02:00.0"), std::string::npos) << job.error;
}

TEST_F(ReconcileTest, LeavesExcludedDevicesAlone) {
  settings.devices.push_back({.match = {.address = slot(1)}, .managed = false});
  settings.mode.default_mode = Mode::on;
  plug(0, Model::gh100);
  host->plug(slot(1), Model::gh100, delays, "nvidia");
  start_daemon();
  run();
  EXPECT_EQ(device(1).state, DeviceState::unmanaged);
  EXPECT_EQ(device(1).driver, "nvidia");
  EXPECT_EQ(hardware(1).counters().register_accesses, 0);
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(ReconcileTest, RefusesASecondChangeWhileOneRuns) {
  start_on(1);
  manager->set_mode(Mode::off, {}).value();
  const auto second = manager->set_mode(Mode::devtools, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::job_in_progress);
}

TEST_F(ReconcileTest, CancelsAWaitingChangeAndWantsWhatItWantedBefore) {
  start_on(1);
  host->take_for_vm(slot(0));
  run();
  const JobSnapshot waiting = set_mode(Mode::off);
  ASSERT_EQ(waiting.state, JobState::waiting);
  ASSERT_TRUE(manager->cancel(waiting.id));
  run();
  EXPECT_EQ(manager->node().requested_mode, Mode::on);
  EXPECT_EQ(manager->node().node_mode, std::nullopt);
  EXPECT_EQ(jobs->jobs[waiting.id].state, JobState::cancelled);
}

TEST_F(ReconcileTest, ResetsADeviceOnRequestAndVerifiesItAgain) {
  start_on(1);
  manager->reset(slot(0)).value();
  EXPECT_FALSE(manager->node().ready);
  run();
  EXPECT_EQ(resets(0), 2);
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(ReconcileTest, GivesADeviceBackOnUnbindUntilItIsBoundAgain) {
  start_on(2);
  manager->unbind(slot(0)).value();
  run();
  EXPECT_EQ(device(0).driver, "");
  EXPECT_EQ(device(0).state, DeviceState::unmanaged);
  manager->bind(slot(0)).value();
  run();
  EXPECT_EQ(device(0).driver, "vfio-pci");
  EXPECT_EQ(device(0).state, DeviceState::ready);
}

// The end of a replaced job is told before the one that replaces it: a client takes what comes first for
// older.
TEST_F(ReconcileTest, AReplacedJobEndsBeforeItsSuccessorIsKnown) {
  class Order final : public ManagerObserver {
   public:
    void job_added(JobId id) override { told += "+" + std::to_string(id); }
    void job_removed(JobId id) override { told += "-" + std::to_string(id); }
    std::string told;
  };
  start_on(1);
  ASSERT_TRUE(host->take_for_vm(slot(0)));
  run();
  const auto first = manager->set_mode(Mode::off, {.wait = true}).value();
  run();
  Order order;
  manager->add_observer(order);
  const auto second = manager->set_mode(Mode::devtools, {.wait = true}).value();
  manager->remove_observer(order);
  EXPECT_EQ(order.told, "-" + std::to_string(first) + "+" + std::to_string(second));
}

}  // namespace
}  // namespace nvccd::test
