#include "client/words.h"

#include <gtest/gtest.h>

#include "client_views.h"

namespace nvccd::client {
namespace {

TEST(JobText, SaysWhatIsDone) {
  JobView job{.kind = JobKind::set_mode,
              .mode = Mode::on,
              .devices = {"a", "b"},
              .state = JobState::running,
              .phase = JobPhase::boot,
              .progress = 0.456};
  EXPECT_EQ(job_text(job), "set-mode on: booting, 46 %, 2 devices");
  job.phase = Word<JobPhase>("defragment");  // of a newer daemon
  EXPECT_EQ(doing(job), "defragment");
  job.state = JobState::queued;
  EXPECT_EQ(doing(job), "looking at the devices");
}

TEST(JobText, SaysWhatAJobWaitsFor) {
  const JobView job{
      .kind = JobKind::reset, .devices = {"a"}, .state = JobState::waiting, .phase = JobPhase::stage};
  EXPECT_EQ(job_text(job), "reset: waiting for devices in use, 0 %, 1 device");
}

TEST(ModeText, HasAnArrowWhileTheDeviceIsInAnotherMode) {
  DeviceView device = gpu("0000:65:00.0");
  EXPECT_EQ(mode_text(device), "on");
  device.requested_mode = Mode::off;
  EXPECT_EQ(mode_text(device), "on -> off");
  device.requested_mode = {};
  EXPECT_EQ(mode_text(device), "on");
}

class NotReady : public testing::Test {
 protected:
  Snapshot snapshot{.node = {.requested_mode = Mode::on, .mode_state = ModeState::unknown},
                    .devices = {gpu("0000:65:00.0"), gpu("0000:66:00.0")}};
};

TEST_F(NotReady, HasNoReasonOnAReadyNode) {
  snapshot.node.ready = true;
  EXPECT_EQ(why_not_ready(snapshot), "");
}

TEST_F(NotReady, BecauseAChangeRuns) {
  snapshot.jobs = {{.kind = JobKind::set_mode, .mode = Mode::ppcie, .state = JobState::running}};
  snapshot.devices[0].state = DeviceState::failed;
  EXPECT_EQ(why_not_ready(snapshot), "set-mode ppcie is under way");
  snapshot.jobs[0].state = JobState::waiting;
  EXPECT_EQ(why_not_ready(snapshot), "set-mode ppcie waits for devices in use");
}

TEST_F(NotReady, BecauseDevicesFailed) {
  snapshot.devices[1].state = DeviceState::failed;
  EXPECT_EQ(why_not_ready(snapshot), "0000:66:00.0 failed");
  snapshot.devices[0].state = DeviceState::failed;
  EXPECT_EQ(why_not_ready(snapshot), "2 devices failed");
}

TEST_F(NotReady, BecauseAVirtualMachineHoldsADeviceThatIsToChange) {
  snapshot.devices[1].state = DeviceState::busy;
  EXPECT_EQ(why_not_ready(snapshot), "0000:66:00.0 in use and cannot change");
}

TEST_F(NotReady, BecauseDevicesWereNotLookedAtYet) {
  snapshot.devices[1].state = DeviceState::discovered;
  EXPECT_EQ(why_not_ready(snapshot), "1 device not verified yet");
}

TEST_F(NotReady, BecauseADeviceIsInAStateOfANewerDaemon) {
  snapshot.devices[1].state = Word<DeviceState>("levitating");
  EXPECT_EQ(state_text(snapshot.devices[1]), "levitating");
  EXPECT_EQ(why_not_ready(snapshot), "1 device not verified yet");
}

TEST_F(NotReady, BecauseThereIsNothingToManage) {
  for (DeviceView& device : snapshot.devices)
    device.state = DeviceState::unmanaged;
  EXPECT_EQ(why_not_ready(snapshot), "there is no device to manage");
  snapshot.devices.clear();
  EXPECT_EQ(why_not_ready(snapshot), "there is no device to manage");
}

TEST_F(NotReady, BecauseTheModeIsNoProtection) {
  snapshot.node.requested_mode = Mode::off;
  snapshot.node.mode_state = ModeState::off;
  EXPECT_EQ(why_not_ready(snapshot), "mode off protects nothing");
}

}  // namespace
}  // namespace nvccd::client
