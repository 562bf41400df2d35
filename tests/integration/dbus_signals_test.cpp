// What nvccd signals, in which order, and how often.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/support/bus_fixture.h"
#include "tests/support/signal_log.h"

namespace nvccd::test {
namespace {

using Lines = std::vector<std::string>;

constexpr const char* job_path = "/org/nvccd1/job/1";

class DbusSignals : public BusTest {
 protected:
  DbusSignals() {
    manager.appear(hopper_gpu(gpu));
    serve();
    client = std::make_unique<Client>(event.get(), bus.address());
    log = std::make_unique<SignalLog>(*client);
  }

  // Everything that was signalled until now has arrived: the bus keeps the order.
  void settle() { EXPECT_TRUE(client->call("/", "org.freedesktop.DBus.Peer", "Ping").ok()); }
  Lines heard() {
    settle();
    return log->lines();
  }

  std::unique_ptr<Client> client;
  std::unique_ptr<SignalLog> log;
};

TEST_F(DbusSignals, AHotPluggedDeviceIsAnnouncedAndAnUnpluggedOneTakenBack) {
  manager.appear(hopper_gpu("0000:66:00.0"));
  EXPECT_EQ(heard(), Lines{"InterfacesAdded /org/nvccd1/device/0000_66_00_0"});
  manager.disappear("0000:66:00.0");
  EXPECT_EQ(heard().at(1), "InterfacesRemoved /org/nvccd1/device/0000_66_00_0");
}

TEST_F(DbusSignals, AChangeIsSignalledWithTheChangedPropertiesOnly) {
  manager.change_device(gpu, [](DeviceSnapshot& device) {
    device.state = DeviceState::failed;
    device.error = "the firmware did not boot";
  });
  EXPECT_EQ(heard(), Lines{std::string("PropertiesChanged ") + gpu_path + " Error State"});
  manager.change_device(gpu, [](DeviceSnapshot&) {});
  manager.change_node([](NodeState& node) { node.ready = true; });
  EXPECT_EQ(heard().size(), 2U) << "a change of nothing was signalled";
  EXPECT_EQ(heard().at(1), "PropertiesChanged /org/nvccd1 Ready");
}

TEST_F(DbusSignals, WhatChangesInOneTurnIsOneSignalForEachObjectWithTheLastValues) {
  for (const DeviceState state : {DeviceState::binding, DeviceState::transitioning, DeviceState::failed}) {
    manager.change_device(gpu, [&](DeviceSnapshot& device) { device.state = state; });
    manager.change_node([](NodeState& node) { ++node.generation; });
  }
  manager.change_device(gpu, [&](DeviceSnapshot& device) { device.error = "broken"; });
  EXPECT_EQ(heard(), (Lines{std::string("PropertiesChanged ") + gpu_path + " Error State",
                            "PropertiesChanged /org/nvccd1 Generation"}));
  EXPECT_EQ(log->values(gpu_path, "State"), Lines{"failed"});
  EXPECT_EQ(log->values("/org/nvccd1", "Generation"), Lines{"3"});
}

TEST_F(DbusSignals, AChangeThatIsTakenBackInTheSameTurnIsNoNews) {
  manager.change_device(gpu, [&](DeviceSnapshot& device) { device.in_use = true; });
  manager.change_device(gpu, [&](DeviceSnapshot& device) { device.in_use = false; });
  EXPECT_EQ(heard(), Lines{});
}

TEST_F(DbusSignals, ADeviceThatChangesAndGoesInOneTurnOnlyGoes) {
  manager.change_device(gpu, [&](DeviceSnapshot& device) { device.in_use = true; });
  manager.disappear(gpu);
  EXPECT_EQ(heard(), Lines{std::string("InterfacesRemoved ") + gpu_path});
}

TEST_F(DbusSignals, ChangesAreSignalledBeforeALaterCallIsAnswered) {
  manager.on_new_job = [&](JobId) {
    manager.change_device(gpu, [](DeviceSnapshot& device) { device.state = DeviceState::transitioning; });
  };
  ASSERT_TRUE(client->call("/org/nvccd1", "org.nvccd1.Manager", "SetMode", "sa{sv}", "off", 0).ok());
  EXPECT_EQ(heard(), (Lines{"InterfacesAdded /org/nvccd1/job/1", "JobNew 1 /org/nvccd1/job/1",
                            std::string("PropertiesChanged ") + gpu_path + " State",
                            "PropertiesChanged /org/nvccd1 CurrentJob"}));
}

TEST_F(DbusSignals, AJobIsSignalledFromItsStartToItsResult) {
  const JobId id = manager.start_job({.mode = Mode::on, .state = JobState::running});
  settle();
  manager.change_job(id, [](JobSnapshot& job) {
    job.phase = JobPhase::boot;
    job.progress = 0.5;
  });
  settle();
  manager.end_job(id, JobState::failed,
                  Error{.kind = ErrorKind::hardware_failed, .cause = "no boot in 60 s"});
  EXPECT_EQ(heard(), (Lines{"InterfacesAdded /org/nvccd1/job/1", "JobNew 1 /org/nvccd1/job/1",
                            "PropertiesChanged /org/nvccd1 CurrentJob",
                            "PropertiesChanged /org/nvccd1/job/1 Phase Progress",
                            "PropertiesChanged /org/nvccd1/job/1 Error ErrorName State",
                            "JobRemoved 1 /org/nvccd1/job/1 failed", "InterfacesRemoved /org/nvccd1/job/1",
                            "PropertiesChanged /org/nvccd1 CurrentJob"}));
  EXPECT_EQ(log->values(job_path, "Error").back(), "no boot in 60 s");
}

TEST_F(DbusSignals, WhoHearsThatAJobHasEndedHasHeardWhatItLedTo) {
  const JobId id = manager.start_job({.state = JobState::running});
  settle();
  log->signals.clear();
  manager.change_job(id, [](JobSnapshot& job) { job.progress = 0.9; });
  manager.change_device(gpu, [](DeviceSnapshot& device) { device.mode = Mode::ppcie; });
  manager.change_node([](NodeState& node) { node.mode_state = ModeState::ppcie; });
  manager.end_job(id, JobState::done);
  EXPECT_EQ(heard(),
            (Lines{std::string("PropertiesChanged ") + gpu_path + " Mode",
                   "PropertiesChanged /org/nvccd1/job/1 Progress State",
                   "PropertiesChanged /org/nvccd1 ModeState", "JobRemoved 1 /org/nvccd1/job/1 done",
                   "InterfacesRemoved /org/nvccd1/job/1", "PropertiesChanged /org/nvccd1 CurrentJob"}));
}

TEST_F(DbusSignals, AJobThatBeginsAndEndsInOneTurnIsToldInOrder) {
  const JobId id = manager.start_job({.state = JobState::running});
  manager.end_job(id, JobState::done);
  EXPECT_EQ(heard(),
            (Lines{"InterfacesAdded /org/nvccd1/job/1", "JobNew 1 /org/nvccd1/job/1",
                   "PropertiesChanged /org/nvccd1/job/1 State", "PropertiesChanged /org/nvccd1 CurrentJob",
                   "JobRemoved 1 /org/nvccd1/job/1 done", "InterfacesRemoved /org/nvccd1/job/1",
                   "PropertiesChanged /org/nvccd1 CurrentJob"}));
}

// Names of the properties that an interface file does not call constant.
std::set<std::string> changing_properties(const char* interface) {
  std::stringstream file;
  file << std::ifstream(fmt::format("{}/dbus/{}.xml", NVCCD_SOURCE_DIR, interface)).rdbuf();
  const std::string text = file.str();
  const std::regex property("<property name=\"(\\w+)\"[^>]*/>");  // a constant one has an annotation inside
  std::set<std::string> names;
  for (auto match = std::sregex_iterator(text.begin(), text.end(), property); match != std::sregex_iterator();
       ++match)
    names.insert((*match)[1]);
  return names;
}

TEST_F(DbusSignals, EveryPropertyThatCanChangeIsSignalled) {
  const JobId id = manager.start_job({.state = JobState::running});
  settle();
  log->signals.clear();
  manager.change_device(gpu, [](DeviceSnapshot& device) {
    device = {.address = device.address,
              .kind = device.kind,
              .vendor_id = device.vendor_id,
              .device_id = device.device_id,
              .name = "another",
              .architecture = Architecture::blackwell,
              .supported_modes = {Mode::off},
              .driver = "nvidia",
              .iommu_group = 1,
              .vfio_group = "another",
              .vfio_device = "another",
              .numa_node = 1,
              .mode = Mode::devtools,
              .requested_mode = Mode::off,
              .state = DeviceState::failed,
              .in_use = true,
              .error = "another"};
  });
  manager.change_node([](NodeState& node) {
    node = {.default_mode = Mode::off,
            .node_mode = Mode::ppcie,
            .requested_mode = Mode::ppcie,
            .mode_state = ModeState::ppcie,
            .ready = true,
            .host_confidential = HostConfidential::tdx,
            .error = "another",
            .generation = 99};
  });
  manager.change_job(id, [](JobSnapshot& job) {
    job.mode = Mode::ppcie;
    job.devices = {PciAddress{.bus = 9}};
    job.state = JobState::waiting;
    job.phase = JobPhase::verify;
    job.progress = 0.7;
    job.error = "another";
    job.error_kind = ErrorKind::device_busy;
  });
  manager.end_job(id, JobState::done);
  settle();
  const auto signalled = [&](const char* path) {
    std::set<std::string> names;
    for (const Signal& signal : log->signals)
      if (signal.path == path)
        for (const auto& [name, value] : signal.changed)
          names.insert(name);
    return names;
  };
  EXPECT_EQ(signalled(gpu_path), changing_properties("org.nvccd1.Device"));
  EXPECT_EQ(signalled("/org/nvccd1"), changing_properties("org.nvccd1.Manager"));
  EXPECT_EQ(signalled(job_path), changing_properties("org.nvccd1.Job"));
}

}  // namespace
}  // namespace nvccd::test
