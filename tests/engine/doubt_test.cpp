// Nothing is said of a device that its hardware has not said since something happened to it.
#include "node_fixture.h"

namespace nvccd::test {
namespace {

using emulator::Model;

// At every change that is told: who is said to be ready is in the mode that is told.
class Witness final : public ManagerObserver {
 public:
  explicit Witness(Node& node) : node_(node) { node_.manager->add_observer(*this); }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() override { node_.manager->remove_observer(*this); }

  void device_changed(const PciAddress&) override { look(); }
  void node_changed() override { look(); }

 private:
  void look() {
    for (const auto& [address, device] : node_.manager->devices()) {
      if (!device.healthy()) continue;
      const auto hardware = node_.host->hardware(address).active_mode();
      EXPECT_EQ(device.mode ? to_string(*device.mode) : "unknown", hardware) << to_string(address);
      EXPECT_TRUE(!node_.manager->node().ready || hardware == "on") << to_string(address);
    }
  }

  Node& node_;
};

class DoubtTest : public testing::Test, public Node {
 protected:
  void reload_default(Mode mode) {
    settings.mode.default_mode = mode;
    ASSERT_TRUE(manager->reload());
  }

  // Until the next reset of that device has begun.
  void run_into_reset(unsigned n) {
    const auto before = resets(n);
    while (resets(n) == before)
      ASSERT_TRUE(simulation->step(std::chrono::hours(1)));
  }

  void change_behind_our_back(unsigned n, std::uint16_t knob_value) {
    hardware(n).set_knob(8, knob_value);
    hardware(n).latch_now();
  }
};

TEST_F(DoubtTest, AReloadInMidTransitionMakesNoDeviceReadyInTheWrongMode) {
  start_on(2);
  Witness witness(*this);
  reload_default(Mode::off);
  run_into_reset(0);
  reload_default(Mode::on);  // the devices will come up in off all the same
  run();
  EXPECT_EQ(hardware(0).active_mode(), "on");
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(DoubtTest, ADeviceThatIsExcludedInMidTransitionIsLeftAloneAfterwards) {
  start_on(2);
  reload_default(Mode::off);
  run_into_reset(0);
  settings.devices.push_back({.match = {.address = slot(0)}, .managed = false});
  ASSERT_TRUE(manager->reload());
  run();
  EXPECT_EQ(device(0).state, DeviceState::unmanaged);
  EXPECT_EQ(device(0).mode, std::nullopt);
  EXPECT_EQ(device(0).requested_mode, std::nullopt);
}

TEST_F(DoubtTest, WhatWasVerifiedBeforeADeviceWasExcludedDoesNotCount) {
  start_on(1);
  settings.devices.push_back({.match = {.address = slot(0)}, .managed = false});
  ASSERT_TRUE(manager->reload());
  run();
  change_behind_our_back(0, 0);
  ASSERT_TRUE(host->take_for_vm(slot(0)));
  settings.devices.clear();
  ASSERT_TRUE(manager->reload());
  run();
  EXPECT_EQ(device(0).state, DeviceState::busy);
  EXPECT_EQ(device(0).mode, std::nullopt);
  EXPECT_FALSE(manager->node().ready);
}

TEST_F(DoubtTest, ADeviceWhoseDriverIsTakenAwayIsNotReadyAtOnce) {
  start_on(1);
  host->take_driver(slot(0));
  manager->device_driver_changed(slot(0));
  EXPECT_FALSE(manager->node().ready);
  EXPECT_NE(device(0).state, DeviceState::ready);
  run();
  EXPECT_EQ(device(0).driver, "vfio-pci") << "it is bound again";
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(DoubtTest, ADeviceWhoseDriverIsTakenAwayInMidTransitionIsLookedAtAgain) {
  start_on(1);
  manager->set_mode(Mode::off, {}).value();
  run_into_reset(0);
  host->take_driver(slot(0));
  manager->device_driver_changed(slot(0));
  run();
  EXPECT_EQ(device(0).driver, "vfio-pci");
  EXPECT_EQ(device(0).state, DeviceState::ready);
}

TEST_F(DoubtTest, OneWhoWasNotSeenToComeIsSeenToHaveGone) {
  start_on(2);
  const auto watch = std::exchange(host->on_vfio_node, nullptr);  // libvirt: a /dev of the machine's own
  ASSERT_TRUE(host->take_for_vm(slot(1)));
  const auto job = manager->set_mode(Mode::off, {.wait = true}).value();
  simulation->pass(std::chrono::minutes(1));
  EXPECT_EQ(jobs->jobs[job].state, JobState::waiting);
  EXPECT_EQ(resets(1), 1) << "the device was reset under the VM";
  host->release_from_vm(slot(1));
  host->on_vfio_node = watch;
  run();
  EXPECT_EQ(jobs->jobs[job].state, JobState::done) << jobs->jobs[job].error;
  EXPECT_EQ(hardware(1).active_mode(), "off");
}

TEST_F(DoubtTest, ADeviceInTheHandsOfOneWhoWasNotSeenToComeIsNotReady) {
  start_on(1);
  const auto watch = std::exchange(host->on_vfio_node, nullptr);
  ASSERT_TRUE(host->take_for_vm(slot(0)));
  manager->rescan();
  simulation->pass(std::chrono::seconds(1));
  EXPECT_EQ(device(0).state, DeviceState::busy) << "it may not be the first who had it";
  EXPECT_FALSE(manager->node().ready);
  host->release_from_vm(slot(0));
  host->on_vfio_node = watch;
  run();
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(DoubtTest, ADeviceInUseThroughItsDriverIsTakenOnceItIsFreeAndIsNoNewsUntilThen) {
  start_on(1);
  host->plug(slot(1), Model::gh100, delays, "nvidia");
  host->let_driver_be_used(slot(1), true);
  manager->device_appeared(slot(1));
  simulation->pass(std::chrono::seconds(5));
  EXPECT_EQ(device(1).state, DeviceState::busy);
  const auto generation = manager->node().generation;
  simulation->pass(std::chrono::minutes(10));
  EXPECT_EQ(manager->node().generation, generation) << "nothing has changed";
  host->let_driver_be_used(slot(1), false);
  run();
  EXPECT_EQ(device(1).state, DeviceState::ready);
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(DoubtTest, LostEventsOfTheVfioNodesPutEveryDeviceInDoubt) {
  start_on(2);
  ASSERT_TRUE(host->take_for_vm(slot(1)));
  run();
  manager->vfio_events_lost();
  EXPECT_FALSE(manager->node().ready);
  run();
  EXPECT_EQ(device(0).state, DeviceState::ready);
  EXPECT_EQ(device(1).state, DeviceState::busy) << "another VM may have had it in between";
  host->release_from_vm(slot(1));
  run();
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(DoubtTest, EventsThatAreLostDuringALookPutItsDeviceInDoubtAtOnce) {
  start_on(1);
  manager->rescan();
  manager->vfio_events_lost();
  EXPECT_FALSE(manager->node().ready);
  run();
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(DoubtTest, ADeviceIsNotReadyWhileALookResetsIt) {
  class Ready final : public ManagerObserver {
   public:
    explicit Ready(Manager& manager) : manager_(manager) {}
    void device_changed(const PciAddress&) override { last = manager_.node().ready; }
    void node_changed() override { last = manager_.node().ready; }
    bool last = true;

   private:
    Manager& manager_;
  };
  start_on(1);
  Ready ready(*manager);
  manager->add_observer(ready);
  ASSERT_TRUE(hardware(0).set_fault("no-reply", "1"));
  manager->rescan();
  run_into_reset(0);
  EXPECT_FALSE(ready.last);
  ASSERT_TRUE(hardware(0).set_fault("no-reply", ""));
  run();
  manager->rescan();
  run();
  EXPECT_TRUE(ready.last);
  manager->remove_observer(ready);
}

TEST_F(DoubtTest, ACancelledChangeThatHadReplacedAnotherLeadsBackToBeforeBoth) {
  start_on(1);
  ASSERT_TRUE(host->take_for_vm(slot(0)));
  run();
  set_mode(Mode::off, {.wait = true});
  const auto second = set_mode(Mode::devtools, {.wait = true});
  ASSERT_TRUE(manager->cancel(second.id));
  run();
  EXPECT_EQ(manager->node().requested_mode, Mode::on);
  EXPECT_EQ(manager->node().node_mode, std::nullopt);
}

TEST_F(DoubtTest, AVmThatOpensADeviceJustAfterALookBeganGetsAReadyOne) {
  start_on(2);
  manager->rescan();
  EXPECT_TRUE(manager->node().ready) << "nothing has happened to what was verified";
  ASSERT_TRUE(host->take_for_vm(slot(0)));
  run();
  EXPECT_EQ(device(0).state, DeviceState::ready);
  EXPECT_TRUE(device(0).in_use);
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(DoubtTest, ARescanOfADeviceThatReadsAllOnesTakesReadyBackAtOnce) {
  start_on(1);
  ASSERT_TRUE(hardware(0).set_fault("bar0-all-ones", "1"));
  manager->rescan();
  simulation->pass(std::chrono::milliseconds(100));
  EXPECT_NE(device(0).state, DeviceState::ready);
  EXPECT_FALSE(manager->node().ready);
}

// Linux 6.12 recovers a device of vfio-pci from a fatal error without giving it its BARs back.
TEST_F(DoubtTest, ADeviceWhoseBarsWereLostInARecoverySaysSoAndHowToGetThemBack) {
  for (const auto model : {Model::gh100, Model::gb100, Model::ls10}) {
    const auto n = static_cast<unsigned>(model);
    plug(n, model);
  }
  start_daemon();
  run();
  for (const auto model : {Model::gh100, Model::gb100, Model::ls10}) {
    const auto n = static_cast<unsigned>(model);
    ASSERT_EQ(device(n).state, DeviceState::ready) << device(n).error;
    ASSERT_TRUE(hardware(n).set_fault("bars-lost", "1"));
    manager->device_recovered(slot(n));
    run();
    EXPECT_EQ(device(n).state, DeviceState::failed);
    EXPECT_NE(device(n).error.find("BARs were lost"), std::string::npos) << device(n).error;
    EXPECT_NE(device(n).error.find("/sys/bus/pci/rescan"), std::string::npos) << device(n).error;
    // What that does, as udev tells of it.
    hardware(n).clear_faults();
    manager->device_gone(slot(n));
    manager->device_appeared(slot(n));
    run();
    EXPECT_EQ(device(n).state, DeviceState::ready) << device(n).error;
  }
}

TEST_F(DoubtTest, AReloadWithoutAChangeLeavesHealthyDevicesAlone) {
  start_on(2);
  const auto accesses = hardware(0).counters().register_accesses;
  const auto generation = manager->node().generation;
  ASSERT_TRUE(manager->reload());
  run();
  EXPECT_EQ(hardware(0).counters().register_accesses, accesses);
  EXPECT_EQ(manager->node().generation, generation);
}

TEST_F(DoubtTest, ANewModeForAVerifiedDeviceNeedsNoLookBeforeTheChange) {
  start_on(1);
  const auto reads = hardware(0).counters().knob_reads;
  EXPECT_EQ(set_mode(Mode::off).state, JobState::done);
  const auto there = hardware(0).counters().knob_reads - reads;
  manager->rescan();
  run();
  const auto look = hardware(0).counters().knob_reads - reads - there;
  EXPECT_GT(look, 0U);
  // Staging and verifying read about as much as two looks, and reading back what was written some more.
  EXPECT_LT(there, 4 * look);
}

TEST_F(DoubtTest, AnotherProgramAtTheRegistersIsWaitedFor) {
  start_on(1);
  manager->registers_opened(slot(0));
  EXPECT_EQ(device(0).state, DeviceState::busy);
  EXPECT_FALSE(manager->node().ready);
  const auto accesses = hardware(0).counters().register_accesses;
  run();
  EXPECT_EQ(hardware(0).counters().register_accesses, accesses) << "two at one mailbox";
  manager->registers_closed(slot(0));
  run();
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(DoubtTest, ManyRetriesAreNotTakenForAHangOfTheKernel) {
  settings.transition.retries = 10;
  settings.transition.boot_timeout = std::chrono::seconds(5);
  plug(0, Model::gh100);
  ASSERT_TRUE(hardware(0).set_fault("no-reply", "1"));
  start_daemon();
  run();
  EXPECT_EQ(device(0).state, DeviceState::failed);
  EXPECT_EQ(device(0).error.find("the kernel"), std::string::npos) << device(0).error;
  EXPECT_EQ(resets(0), 1) << "a mailbox that stays silent after a reset is reset no more";
}

TEST_F(DoubtTest, ACancelledAutomaticChangeIsSaidAndBegunAgainOnRequest) {
  settings.mode.default_mode = Mode::on;
  plug(0, Model::gh100);
  start_daemon();
  while (!manager->current_job())
    ASSERT_TRUE(simulation->step(std::chrono::hours(1)));
  ASSERT_TRUE(manager->cancel(*manager->current_job()));
  run();
  EXPECT_EQ(device(0).state, DeviceState::failed);
  EXPECT_NE(device(0).error.find("cancelled"), std::string::npos) << device(0).error;
  manager->rescan();
  run();
  EXPECT_EQ(device(0).state, DeviceState::ready);
}

}  // namespace
}  // namespace nvccd::test
