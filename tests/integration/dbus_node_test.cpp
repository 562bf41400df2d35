// The interface with a real engine behind it: what a client of a whole node sees, from the call to the
// hardware.
#include <algorithm>

#include "dbus_node_fixture.h"

namespace nvccd::test {
namespace {

using namespace std::chrono_literals;

const EmulatedNode::Shape small = {.gpus = 2, .switches = 1};

TEST_F(DbusNode, ShowsANodeThatIsReady) {
  start(small);
  EXPECT_EQ(of_node("DefaultMode"), "on");
  EXPECT_EQ(of_node("NodeMode"), "");
  EXPECT_EQ(of_node("RequestedMode"), "on");
  EXPECT_EQ(of_node("ModeState"), "on");
  EXPECT_EQ(of_node("Ready"), "true");
  EXPECT_EQ(of_node("HostConfidential"), "sev-snp");
  EXPECT_EQ(of_node("Error"), "");
  EXPECT_EQ(of_node("CurrentJob"), "/");
  EXPECT_EQ(of_node("Version"), NVCCD_VERSION);
  EXPECT_EQ(
      read_value(call_manager("ListDevices").message.get()),
      "[/org/nvccd1/device/0000_01_00_0 /org/nvccd1/device/0000_02_00_0 /org/nvccd1/device/0000_81_00_0]");
  const struct {
    const char* name;
    const char* of_gpu;
    const char* of_switch;
  } properties[] = {{"Address", "0000:01:00.0", "0000:81:00.0"},
                    {"Kind", "gpu", "nvswitch"},
                    {"VendorId", "4318", "4318"},
                    {"DeviceId", "9008", "8867"},
                    {"Name", "GH100 [H100 SXM5 80GB]", "GH100 [H100 NVSwitch]"},
                    {"Architecture", "hopper", "ls10"},
                    {"SupportedModes", "[off on devtools ppcie]", "[off ppcie]"},
                    {"Driver", "vfio-pci", "vfio-pci"},
                    {"IommuGroup", "1", "3"},
                    {"VfioGroup", "/dev/vfio/1", "/dev/vfio/3"},
                    {"VfioDevice", "", ""},
                    {"NumaNode", "-1", "-1"},
                    {"Mode", "on", "off"},
                    {"RequestedMode", "on", "off"},
                    {"State", "ready", "ready"},
                    {"InUse", "false", "false"},
                    {"Error", "", ""}};
  for (const auto& [name, of_gpu, of_switch] : properties) {
    EXPECT_EQ(of_device(gpu0, name), of_gpu) << name;
    EXPECT_EQ(of_device(switch0, name), of_switch) << name;
  }
}

TEST_F(DbusNode, AChangeIsToldFromItsBeginningToTheHardwareThatVerifiedIt) {
  start(small);
  forget_signals();
  node->set_speed(0);
  const std::string job = set_mode("ppcie");
  EXPECT_EQ(of_job(job, "Kind"), "set-mode");
  EXPECT_EQ(of_job(job, "Mode"), "ppcie");
  EXPECT_EQ(of_node("CurrentJob"), job);
  EXPECT_EQ(of_node("NodeMode"), "ppcie");
  EXPECT_EQ(of_node("Ready"), "false");
  EXPECT_EQ(of_node("ModeState"), "transitioning");
  node->set_speed(1000);
  EXPECT_EQ(result(job), "done");

  EXPECT_EQ(log->values(job, "Phase"), (Words{"bind", "stage", "reset", "boot", "verify"}));
  EXPECT_EQ(log->values(job, "State"), (Words{"queued", "running", "done"}));
  std::vector<double> progress;
  for (const std::string& value : log->values(job, "Progress"))
    progress.push_back(std::stod(value));
  EXPECT_TRUE(std::ranges::is_sorted(progress)) << testing::PrintToString(progress);
  EXPECT_GE(progress.size(), 4U);
  EXPECT_EQ(progress.back(), 1);
  EXPECT_EQ(log->values(dbus::device_path(gpu0), "State"), (Words{"discovered", "transitioning", "ready"}));
  EXPECT_EQ(log->values(dbus::device_path(gpu0), "Mode"), (Words{"unknown", "ppcie"}))
      << "while it is reset nobody knows its mode";
  EXPECT_EQ(log->values(dbus::manager_path, "Ready"), (Words{"false", "true"}))
      << "who hears that the job has ended has not heard that the node is ready";
  for (const PciAddress& device : {gpu0, gpu1, switch0})
    EXPECT_EQ(node->hardware(device).active_mode(), "ppcie");
}

TEST_F(DbusNode, ProgressGoesOnInEveryPhaseAndPhaseIsThatOfTheSlowestDevice) {
  start(small);
  node->hardware(gpu1).set_delays({.reply = 200us, .reset = 120ms, .boot = 5s});
  forget_signals();
  const std::string job = set_mode("off");
  EXPECT_EQ(result(job), "done");
  // gpu0 has been verified by then; what is being done is still the boot of the other.
  const Signal* last_boot = nullptr;
  for (const Signal& signal : log->signals)
    if (signal.path == job && signal.changed.contains("Phase") && signal.changed.at("Phase") == "verify")
      last_boot = &signal;
  ASSERT_NE(last_boot, nullptr);
  EXPECT_GT(std::stod(last_boot->changed.at("Progress")), 0.9);
}

TEST_F(DbusNode, GoingBackToTheDefaultIsAJobOfItsOwnKind) {
  start(small);
  EXPECT_EQ(result(set_mode("off")), "done");
  const std::string job = job_of(call_manager("ClearMode", "a{sv}", 0));
  EXPECT_EQ(of_job(job, "Kind"), "clear-mode");
  EXPECT_EQ(of_job(job, "Mode"), "on");
  EXPECT_EQ(result(job), "done");
  EXPECT_EQ(of_node("NodeMode"), "");
  EXPECT_EQ(node->hardware(gpu0).active_mode(), "on");
}

TEST_F(DbusNode, ADryRunNamesTheDevicesAndChangesNone) {
  start(small);
  const auto resets = node->hardware(gpu0).counters().function_level_resets;
  const std::string job = job_of(call_manager("SetMode", "sa{sv}", "off", 1, "dry-run", "b", 1));
  EXPECT_EQ(result(job), "done");
  EXPECT_EQ(log->values(job, "Devices"),
            Words{"[/org/nvccd1/device/0000_01_00_0 /org/nvccd1/device/0000_02_00_0]"});
  EXPECT_EQ(of_node("NodeMode"), "");
  EXPECT_EQ(of_node("Ready"), "true");
  EXPECT_EQ(node->hardware(gpu0).counters().function_level_resets, resets);
}

TEST_F(DbusNode, ACancelledChangeLeavesEverythingAsItWas) {
  start(small);
  node->set_speed(0);
  const std::string job = set_mode("off");
  EXPECT_TRUE(client->call(job, dbus::job_interface, "Cancel").ok());
  node->set_speed(1000);
  EXPECT_EQ(result(job), "cancelled");
  EXPECT_EQ(last_of_job(job, "ErrorName"), "org.nvccd1.Error.Cancelled");
  EXPECT_EQ(of_node("NodeMode"), "");
  ASSERT_TRUE(run_until(event.get(), [&] { return node->manager().node().ready; }));
  EXPECT_EQ(node->hardware(gpu0).active_mode(), "on");
}

TEST_F(DbusNode, AfterTheFirstResetItIsTooLateToCancel) {
  start(small);
  const std::string job = set_mode("off");
  ASSERT_TRUE(run_until(event.get(), [&] { return phase() == JobPhase::reset; }));
  node->set_speed(0);
  const Reply reply = client->call(job, dbus::job_interface, "Cancel");
  EXPECT_EQ(reply.error_name, "org.nvccd1.Error.JobInProgress");
  EXPECT_TRUE(reply.error_message.contains("too far to be cancelled")) << reply.error_message;
  node->set_speed(1000);
  EXPECT_EQ(result(job), "done");
}

TEST_F(DbusNode, AChangeWaitsForADeviceInUseUnlessItIsNotToWait) {
  start(small);
  ASSERT_TRUE(node->hold(gpu0));
  ASSERT_TRUE(run_until(event.get(), [&] { return of_device(gpu0, "InUse") == "true"; }));
  EXPECT_EQ(of_device(gpu0, "State"), "ready") << "it was verified before the VM took it";
  const Reply refused = call_manager("SetMode", "sa{sv}", "off", 1, "wait", "b", 0);
  EXPECT_EQ(refused.error_name, "org.nvccd1.Error.DeviceBusy");
  EXPECT_TRUE(refused.error_message.contains("0000:01:00.0")) << refused.error_message;
  EXPECT_EQ(of_node("NodeMode"), "");
  EXPECT_EQ(call_device(gpu0, "Reset").error_name, "org.nvccd1.Error.DeviceBusy");

  const std::string job = set_mode("off");
  ASSERT_TRUE(run_until(event.get(), [&] { return of_job(job, "State") == "waiting"; }));
  EXPECT_EQ(of_job(job, "Phase"), "evict");
  EXPECT_EQ(of_device(gpu0, "State"), "busy");
  EXPECT_TRUE(node->release(gpu0));
  EXPECT_EQ(result(job), "done");
  EXPECT_EQ(node->hardware(gpu0).active_mode(), "off");
}

TEST_F(DbusNode, ADeviceThatDoesNotBootIsNamedEverywhere) {
  start(small);
  node->hardware(gpu1).set_fault("boot-never", "1");
  const std::string job = set_mode("off");
  EXPECT_EQ(result(job), "failed");
  EXPECT_EQ(last_of_job(job, "ErrorName"), "org.nvccd1.Error.HardwareFailed");
  EXPECT_TRUE(last_of_job(job, "Error").contains("0000:02:00.0")) << last_of_job(job, "Error");
  EXPECT_EQ(of_node("Ready"), "false");
  EXPECT_EQ(of_node("ModeState"), "failed");
  EXPECT_EQ(of_device(gpu1, "State"), "failed");
  EXPECT_EQ(of_device(gpu1, "Mode"), "unknown");
  EXPECT_TRUE(of_device(gpu1, "Error").contains("boot")) << of_device(gpu1, "Error");
}

TEST_F(DbusNode, WhatTheDevicesCannotDoIsRefused) {
  start({.gpus = 1, .switches = 0, .gpu_model = emulator::Model::gb202});
  const Reply reply = call_manager("SetMode", "sa{sv}", "ppcie", 0);
  EXPECT_EQ(reply.error_name, "org.nvccd1.Error.NotSupported");
  EXPECT_TRUE(reply.error_message.contains("ppcie")) << reply.error_message;
}

TEST_F(DbusNode, StopsInTheMiddleOfAChange) {
  start(small);
  set_mode("off");
  ASSERT_TRUE(run_until(event.get(), [&] { return phase() == JobPhase::boot; }));
  node.reset();
  EXPECT_EQ(call_manager("ListDevices").error_name, SD_BUS_ERROR_SERVICE_UNKNOWN);
}

TEST_F(DbusNode, OneChangeAtATime) {
  start(small);
  node->set_speed(0);
  const std::string job = set_mode("off");
  for (const Reply& reply : {call_manager("SetMode", "sa{sv}", "ppcie", 0),
                             call_manager("ClearMode", "a{sv}", 0), call_device(gpu0, "Unbind")})
    EXPECT_EQ(reply.error_name, "org.nvccd1.Error.JobInProgress");
  node->set_speed(1000);
  EXPECT_EQ(result(job), "done");
}

TEST_F(DbusNode, ADeviceIsUnboundAndBoundAgain) {
  start(small);
  EXPECT_EQ(result(job_of(call_device(gpu0, "Unbind"))), "done");
  ASSERT_TRUE(run_until(event.get(), [&] { return of_device(gpu0, "Driver").empty(); }));
  const std::string job = job_of(call_device(gpu0, "Bind"));
  EXPECT_EQ(result(job), "done");
  EXPECT_EQ(last_of_job(job, "Progress"), "1");
  ASSERT_TRUE(run_until(event.get(), [&] { return of_device(gpu0, "State") == "ready"; }));
  EXPECT_EQ(of_device(gpu0, "Driver"), "vfio-pci");
}

TEST_F(DbusNode, AResetIsDoneWhenTheDeviceWasSeenInItsModeAgain) {
  start(small);
  const auto resets = node->hardware(gpu0).counters().function_level_resets;
  node->set_speed(0);
  const std::string job = job_of(call_device(gpu0, "Reset"));
  EXPECT_EQ(of_job(job, "Kind"), "reset");
  EXPECT_EQ(of_job(job, "Phase"), "reset");
  node->set_speed(1000);
  EXPECT_EQ(result(job), "done");
  EXPECT_EQ(log->values(job, "Phase"), (Words{"reset", "boot"}));
  EXPECT_EQ(of_device(gpu0, "State"), "ready");
  EXPECT_EQ(node->hardware(gpu0).counters().function_level_resets, resets + 1);
}

TEST_F(DbusNode, AResetAfterWhichTheDeviceDoesNotBootHasFailed) {
  start(small);
  node->hardware(gpu0).set_fault("boot-never", "1");
  const std::string job = job_of(call_device(gpu0, "Reset"));
  EXPECT_EQ(result(job), "failed");
  EXPECT_EQ(last_of_job(job, "ErrorName"), "org.nvccd1.Error.HardwareFailed");
  EXPECT_EQ(of_device(gpu0, "State"), "failed");
}

TEST_F(DbusNode, ADeviceThatIsPulledOutDuringItsResetEndsTheJob) {
  start(small);
  const std::string job = job_of(call_device(gpu0, "Reset"));
  ASSERT_TRUE(run_until(event.get(), [&] { return phase() == JobPhase::boot; }));
  node->unplug(gpu0);
  EXPECT_EQ(result(job), "failed");
  EXPECT_EQ(last_of_job(job, "ErrorName"), "org.nvccd1.Error.NoSuchDevice");
}

TEST_F(DbusNode, DevicesComeAndGo) {
  start(small);
  const PciAddress added = EmulatedNode::gpu(7);
  const std::string path = dbus::device_path(added);
  node->plug(added, emulator::Model::gh100);
  ASSERT_TRUE(run_until(event.get(), [&] { return of_device(added, "State") == "ready"; }));
  EXPECT_TRUE(log->contains("InterfacesAdded " + path));
  EXPECT_EQ(call_manager("GetDevice", "s", "0000:08:00.0").read_string('o'), path);
  EXPECT_EQ(node->hardware(added).active_mode(), "on");
  node->unplug(added);
  settle();
  EXPECT_TRUE(log->contains("InterfacesRemoved " + path));
  EXPECT_EQ(call_manager("GetDevice", "s", "0000:08:00.0").error_name, "org.nvccd1.Error.NoSuchDevice");
}

TEST_F(DbusNode, ReloadAndRescanFindWhatIsNew) {
  start(small);
  node->settings_file->mode.default_mode = Mode::devtools;
  EXPECT_TRUE(call_manager("Reload").ok());
  EXPECT_EQ(of_node("DefaultMode"), "devtools");
  ASSERT_TRUE(run_until(event.get(), [&] { return of_node("ModeState") == "devtools"; }));

  node->settings_file.reset();
  const Reply reply = call_manager("Reload");
  EXPECT_EQ(reply.error_name, "org.nvccd1.Error.InvalidConfig");
  EXPECT_TRUE(reply.error_message.contains("nvccd.toml:3:7:")) << reply.error_message;
  EXPECT_EQ(of_node("DefaultMode"), "devtools");

  node->hardware(gpu0).set_knob(8, 0);
  node->hardware(gpu0).set_knob(6, 0);
  node->hardware(gpu0).latch_now();
  EXPECT_TRUE(call_manager("Rescan").ok());
  ASSERT_TRUE(run_until(event.get(), [&] { return !node->manager().node().ready; }));
  ASSERT_TRUE(run_until(event.get(), [&] { return node->hardware(gpu0).active_mode() == "devtools"; }));
}

TEST_F(DbusNode, EverySignalledGenerationIsNew) {
  start(small);
  EXPECT_EQ(result(set_mode("ppcie")), "done");
  ASSERT_TRUE(node->hold(gpu0));
  ASSERT_TRUE(run_until(event.get(), [&] { return of_device(gpu0, "InUse") == "true"; }));
  settle();
  std::vector<std::uint64_t> generations;
  for (const std::string& value : log->values(dbus::manager_path, "Generation"))
    generations.push_back(std::stoull(value));
  EXPECT_TRUE(std::ranges::is_sorted(generations, std::less_equal()));
  EXPECT_EQ(std::to_string(generations.back()), of_node("Generation")) << "a change was not signalled";
}

}  // namespace
}  // namespace nvccd::test
