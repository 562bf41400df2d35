// The line that systemctl status shows.
#include <gtest/gtest.h>

#include "daemon/publish/service_status.h"
#include "daemon/publish/status_text.h"
#include "tests/support/event_loop.h"
#include "tests/support/fake_manager.h"

namespace nvccd::test {
namespace {

class StatusText : public testing::Test {
 protected:
  StatusText() {
    for (const auto& address : {"0000:01:00.0", "0000:02:00.0"})
      devices[*PciAddress::parse(address)] = hopper_gpu(address);
    for (auto& [address, device] : devices)
      device.state = DeviceState::ready;
  }
  DeviceSnapshot& first() { return devices.begin()->second; }
  std::string text(const JobSnapshot* job = nullptr) {
    return status_text(node, devices, job, broken_settings);
  }
  JobSnapshot set_mode(JobState state) {
    return {.id = 1,
            .kind = JobKind::set_mode,
            .mode = Mode::ppcie,
            .devices = {first().address},
            .state = state,
            .phase = JobPhase::reset,
            .progress = 0.42};
  }

  NodeState node{.mode_state = ModeState::on, .ready = true};
  std::map<PciAddress, DeviceSnapshot> devices;
  std::string broken_settings;
};

TEST_F(StatusText, CountsTheDevicesOfAReadyNode) {
  EXPECT_EQ(text(), "Mode on, ready: 2 GPUs");
  const auto fabric = ls10_switch("0000:09:00.0");
  devices[fabric.address] = fabric;
  devices[fabric.address].state = DeviceState::ready;
  EXPECT_EQ(text(), "Mode on, ready: 2 GPUs, 1 NVSwitch");
  first().state = DeviceState::unmanaged;
  EXPECT_EQ(text(), "Mode on, ready: 1 GPU, 1 NVSwitch, 1 left alone");
}

TEST_F(StatusText, DoesNotCallANodeReadyThatIsNot) {
  node = {.mode_state = ModeState::off, .ready = false};
  EXPECT_EQ(text(), "Mode off: 2 GPUs");
}

TEST_F(StatusText, ShowsHowFarAChangeIs) {
  auto job = set_mode(JobState::running);
  EXPECT_EQ(text(&job), "Changing to ppcie: reset, 42 %");
  job.state = JobState::queued;
  EXPECT_EQ(text(&job), "Changing to ppcie: looking at the devices");
}

TEST_F(StatusText, NamesTheDeviceThatAChangeWaitsFor) {
  auto job = set_mode(JobState::waiting);
  job.devices.push_back(devices.rbegin()->first);
  first().in_use = true;
  EXPECT_EQ(text(&job), "Waiting for 0000:01:00.0 in use, to change to ppcie");
  devices.rbegin()->second.in_use = true;
  EXPECT_EQ(text(&job), "Waiting for 2 devices in use, to change to ppcie");
}

TEST_F(StatusText, NamesTheDeviceThatIsReset) {
  const JobSnapshot job{
      .id = 1, .kind = JobKind::reset, .devices = {first().address}, .state = JobState::running};
  EXPECT_EQ(text(&job), "Resetting 0000:01:00.0");
}

TEST_F(StatusText, SaysWhichDeviceFailedAndHowManyDid) {
  first().state = DeviceState::failed;
  node = {.mode_state = ModeState::failed, .error = "0000:01:00.0: boot: no answer"};
  EXPECT_EQ(text(), "Not ready: 0000:01:00.0: boot: no answer");
  devices.rbegin()->second.state = DeviceState::failed;
  EXPECT_EQ(text(), "Not ready: 0000:01:00.0: boot: no answer (2 devices failed)");
}

TEST_F(StatusText, SaysWhatItWaitsForBeforeAnythingIsKnown) {
  node.mode_state = ModeState::unknown;
  for (auto& [address, device] : devices)
    device.state = DeviceState::discovered;
  EXPECT_EQ(text(), "Looking at 2 GPUs");
  first().state = DeviceState::busy;
  first().error = "0000:01:00.0: in use";
  EXPECT_EQ(text(), "Not ready: 0000:01:00.0: in use");
}

TEST_F(StatusText, SaysThatThereIsNothingToDo) {
  first().state = DeviceState::unmanaged;
  devices.erase(std::next(devices.begin()));
  EXPECT_EQ(text(), "No devices to manage: 1 left alone");
  devices.clear();
  EXPECT_EQ(text(), "No NVIDIA devices");
}

TEST_F(StatusText, KeepsSayingThatTheFilesAreBroken) {
  broken_settings = "/etc/nvccd/nvccd.toml:2:1: no such mode";
  EXPECT_EQ(text(),
            "Mode on, ready: 2 GPUs; older settings are in force: /etc/nvccd/nvccd.toml:2:1: no such mode");
}

TEST_F(StatusText, IsOneLineWhateverNamesHold) {
  broken_settings = "a\nREADY=1";
  EXPECT_EQ(text().find('\n'), std::string::npos);
}

class ServiceStatusTest : public testing::Test {
 protected:
  void SetUp() override {
    manager.appear(hopper_gpu("0000:65:00.0"));
    auto created = ServiceStatus::create(event.get(), manager,
                                         [this](const std::string& text) { told.push_back(text); });
    ASSERT_TRUE(created) << created.error().message();
    status = std::move(*created);
  }
  void run_loop() {
    while (sd_event_run(event.get(), 0) > 0)
      continue;
  }

  EventPtr event = new_event_loop();
  FakeManager manager;
  std::vector<std::string> told;
  std::unique_ptr<ServiceStatus> status;
};

TEST_F(ServiceStatusTest, IsToldOnceForWhatHappensTogether) {
  run_loop();
  told.clear();
  manager.change_device("0000:65:00.0", [](DeviceSnapshot& device) { device.state = DeviceState::ready; });
  manager.change_node([](NodeState& node) {
    node.mode_state = ModeState::on;
    node.ready = true;
  });
  EXPECT_TRUE(told.empty());
  run_loop();
  EXPECT_EQ(told, std::vector<std::string>{"STATUS=Mode on, ready: 1 GPU"});
}

TEST_F(ServiceStatusTest, IsNotToldAgainWhenItIsTheSame) {
  run_loop();
  told.clear();
  manager.change_node([](NodeState& node) { ++node.generation; });
  run_loop();
  EXPECT_TRUE(told.empty());
}

TEST_F(ServiceStatusTest, FollowsAJobToItsEnd) {
  const auto id =
      manager.start_job({.kind = JobKind::set_mode, .mode = Mode::on, .state = JobState::running});
  run_loop();
  EXPECT_TRUE(told.back().starts_with("STATUS=Changing to on: ")) << told.back();
  manager.end_job(id, JobState::done);
  run_loop();
  EXPECT_FALSE(told.back().starts_with("STATUS=Changing to on: ")) << told.back();
}

}  // namespace
}  // namespace nvccd::test
