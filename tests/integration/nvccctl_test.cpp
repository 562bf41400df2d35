// What nvccctl shows, asks for and prints to pipes.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "nvccctl_fixture.h"

namespace nvccd::test {
namespace {

class Nvccctl : public NvccctlTest {};

TEST_F(Nvccctl, ShowsTheNodeAndItsDevicesByDefault) {
  const Outcome outcome = run({});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output,
            "Mode       on\n"
            "Requested  on (the default)\n"
            "Ready      yes\n"
            "Host       not confidential\n"
            "\n"
            "ADDRESS       KIND      NAME                    MODE  STATE  DRIVER\n"
            "0000:65:00.0  gpu       GH100 [H100 SXM5 80GB]  on    ready  vfio-pci\n"
            "0000:83:00.0  nvswitch  GH100 [H100 NVSwitch]   off   ready  vfio-pci\n");
  EXPECT_EQ(run({"status"}).output, outcome.output);
}

TEST_F(Nvccctl, PrintsJsonForPrograms) {
  const auto status = nlohmann::json::parse(run({"status", "--json"}).output);
  EXPECT_EQ(status["node"]["ready"], true);
  EXPECT_EQ(status["node"]["node_mode"], nullptr);
  EXPECT_EQ(status["devices"][0]["device_id"], "2330");
  EXPECT_EQ(status["devices"][1]["kind"], "nvswitch");
  const auto list = nlohmann::json::parse(run({"list", "--json"}).output);
  EXPECT_EQ(list.size(), 2U);
  const auto device = nlohmann::json::parse(run({"show", "65:00.0", "--json"}).output);
  EXPECT_EQ(device["address"], "0000:65:00.0");
  EXPECT_EQ(device, list[0]);
}

TEST_F(Nvccctl, ShowsOneDevice) {
  const Outcome outcome = run({"show", "0000:65:00.0"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(outcome.output.contains("PCI ID           10de:2330\n")) << outcome.output;
  EXPECT_TRUE(outcome.output.contains("Supported modes  off, on, devtools, ppcie\n"));
}

TEST_F(Nvccctl, WaitsForTheJobAndSaysHowItEnded) {
  const auto child = start({"set-mode", "ppcie"});
  ASSERT_TRUE(wait_until([&] { return !manager.jobs().empty(); }));
  manager.end_job(1, JobState::done);
  EXPECT_EQ(child->wait(), 0);
  EXPECT_EQ(child->output(),
            "set-mode ppcie: staging, 2 devices\n"
            "set-mode ppcie: done, 2 devices\n");
  EXPECT_EQ(child->error_output(), "");
  ASSERT_EQ(manager.set_mode_requests.size(), 1U);
  EXPECT_EQ(manager.set_mode_requests[0].mode, Mode::ppcie);
  EXPECT_TRUE(manager.set_mode_requests[0].options.persist);
  EXPECT_EQ(manager.set_mode_requests[0].options.wait, std::nullopt);
}

TEST_F(Nvccctl, PrintsALineForEachPhaseIntoAPipe) {
  const auto child = start({"set-mode", "ppcie"});
  const auto printed = [&](const char* phase) {
    return wait_until([&] { return child->output().contains(phase); });
  };
  ASSERT_TRUE(printed("staging"));
  const auto step = [&](JobPhase phase, double progress) {
    manager.change_job(1, [&](JobSnapshot& job) {
      job.phase = phase;
      job.progress = progress;
    });
  };
  step(JobPhase::reset, 0.2);
  ASSERT_TRUE(printed("resetting"));
  step(JobPhase::reset, 0.3);
  step(JobPhase::boot, 0.4);
  ASSERT_TRUE(printed("booting"));
  step(JobPhase::verify, 0.9);
  ASSERT_TRUE(printed("verifying"));
  manager.end_job(1, JobState::done);
  EXPECT_EQ(child->wait(), 0);
  EXPECT_EQ(child->output(),
            "set-mode ppcie: staging, 2 devices\n"
            "set-mode ppcie: resetting, 2 devices\n"
            "set-mode ppcie: booting, 2 devices\n"
            "set-mode ppcie: verifying, 2 devices\n"
            "set-mode ppcie: done, 2 devices\n");
  EXPECT_EQ(child->error_output(), "");
}

TEST_F(Nvccctl, SaysWhatAChangeWaitsForIntoAPipe) {
  const auto child = start({"set-mode", "ppcie", "--wait"});
  ASSERT_TRUE(wait_until([&] { return !manager.jobs().empty(); }));
  manager.change_job(1, [](JobSnapshot& job) { job.state = JobState::waiting; });
  EXPECT_TRUE(wait_until(
      [&] { return child->output().contains("set-mode ppcie: waiting for devices in use, 2 devices\n"); }));
}

TEST_F(Nvccctl, FollowsAJobThatSomebodyElseHasStarted) {
  manager.join = manager.start_job({.mode = Mode::off, .state = JobState::running, .phase = JobPhase::boot});
  const auto child = start({"set-mode", "off"});
  ASSERT_TRUE(wait_until([&] { return !manager.set_mode_requests.empty(); }));
  manager.change_job(*manager.join,
                     [&](JobSnapshot& job) { job.devices = {manager.devices().begin()->first}; });
  ASSERT_TRUE(wait_until([&] { return child->output().contains("booting"); }));
  manager.end_job(*manager.join, JobState::done);
  EXPECT_EQ(child->wait(), 0);
  EXPECT_EQ(child->output(),
            "set-mode off: booting, 1 device\n"
            "set-mode off: done, 1 device\n");
}

TEST_F(Nvccctl, LearnsTheResultOfAJobThatIsOverBeforeTheReply) {
  manager.on_new_job = [&](JobId id) {
    manager.end_job(id, JobState::failed, Error{.kind = ErrorKind::not_supported, .cause = "no ppcie here"});
  };
  const Outcome outcome = run({"set-mode", "ppcie"});
  EXPECT_EQ(outcome.status, 4);
  EXPECT_EQ(outcome.errors, "nvccctl: set-mode ppcie failed: no ppcie here\n");
}

TEST_F(Nvccctl, PassesItsOptionsOn) {
  manager.on_new_job = [&](JobId id) { manager.end_job(id, JobState::done); };
  EXPECT_EQ(run({"set-mode", "on", "--runtime", "--wait"}).status, 0);
  EXPECT_FALSE(manager.set_mode_requests.at(0).options.persist);
  EXPECT_EQ(manager.set_mode_requests.at(0).options.wait, true);
  EXPECT_EQ(run({"clear-mode"}).status, 0);
  EXPECT_EQ(manager.clear_mode_requests.size(), 1U);
}

TEST_F(Nvccctl, ReturnsAtOnceWhenToldNotToWait) {
  const Outcome outcome = run({"set-mode", "off", "--no-wait"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output, "set-mode off has begun: nvccctl status shows it, nvccctl monitor follows it\n");
  EXPECT_EQ(manager.set_mode_requests.at(0).options.wait, false);
}

TEST_F(Nvccctl, ADryRunNamesTheDevicesThatWouldChange) {
  manager.on_new_job = [&](JobId id) { manager.end_job(id, JobState::done); };
  const Outcome outcome = run({"set-mode", "off", "--dry-run"});
  EXPECT_EQ(outcome.output, "set-mode off: would change 2 devices: 0000:65:00.0, 0000:83:00.0\n");
  EXPECT_TRUE(manager.set_mode_requests.at(0).options.dry_run);
}

TEST_F(Nvccctl, AsksForOneDevice) {
  manager.on_new_job = [&](JobId id) { manager.end_job(id, JobState::done); };
  EXPECT_TRUE(run({"bind", "65:00.0"}).output.ends_with("bind 0000:65:00.0: done, 1 device\n"));
  EXPECT_EQ(run({"unbind", "0000:65:00.0"}).status, 0);
  EXPECT_EQ(run({"reset", "0000:83:00.0"}).status, 0);
  EXPECT_EQ(run({"rescan"}).status, 0);
  EXPECT_EQ(run({"reload"}).status, 0);
  EXPECT_EQ(manager.requests, (std::vector<std::string>{"bind 0000:65:00.0", "unbind 0000:65:00.0",
                                                        "reset 0000:83:00.0", "rescan", "reload"}));
}

TEST_F(Nvccctl, CancelsTheJobThatRuns) {
  manager.start_job({.mode = Mode::off, .devices = {}, .state = JobState::running});
  const Outcome outcome = run({"cancel"});
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_EQ(outcome.output, "set-mode off: cancelled\n");
  EXPECT_EQ(manager.requests, std::vector<std::string>{"cancel 1"});
}

TEST_F(Nvccctl, CancelsTheJobThatIsNamed) {
  manager.start_job({.mode = Mode::off, .state = JobState::running});
  manager.start_job({.kind = JobKind::reset, .state = JobState::queued});
  EXPECT_EQ(run({"cancel", "2"}).output, "reset: cancelled\n");
  EXPECT_EQ(manager.requests, std::vector<std::string>{"cancel 2"});
  EXPECT_EQ(run({"cancel", "two"}).status, 2);
}

TEST_F(Nvccctl, SaysThatThereIsNothingToCancel) {
  Outcome outcome = run({"cancel"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.errors, "nvccctl: nothing is being changed, so there is nothing to cancel\n");
  outcome = run({"cancel", "99"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.errors,
            "nvccctl: there is no job 99, or it has ended; nvccctl status shows those that run\n");
}

TEST_F(Nvccctl, SaysThatItIsTooLateToCancel) {
  manager.start_job({.mode = Mode::off, .state = JobState::running});
  manager.refusal = Error{.kind = ErrorKind::job_in_progress, .cause = "too late"};
  const Outcome outcome = run({"cancel"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.errors, "nvccctl: too late\n");
}

TEST_F(Nvccctl, CheckPrintsTroubleFirstAndFailsWithIt) {
  check = [](const std::function<void(Findings)>& done) {
    done({{"kernel", CheckResult::ok, "Linux 6.12", ""},
          {"nouveau", CheckResult::warn, "nouveau is loaded", "blacklist it"},
          {"iommu", CheckResult::fail, "there are no IOMMU groups", "boot with intel_iommu=on"}});
  };
  const Outcome outcome = run({"check"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.output,
            "fail  iommu: there are no IOMMU groups\n"
            "      -> boot with intel_iommu=on\n"
            "warn  nouveau: nouveau is loaded\n"
            "      -> blacklist it\n"
            "\n"
            "1 failed, 1 warning, 1 ok; nvccctl check --all lists them\n");
  EXPECT_EQ(outcome.errors, "");
  EXPECT_TRUE(run({"check", "--all"}).output.contains("ok    kernel: Linux 6.12\n"));
  const Outcome for_programs = run({"check", "--json"});
  EXPECT_EQ(for_programs.status, 1);
  EXPECT_EQ(nlohmann::json::parse(for_programs.output)[2]["result"], "fail");
}

TEST_F(Nvccctl, CheckIsDoneWhenThereAreWarningsOnly) {
  check = [](const std::function<void(Findings)>& done) {
    done({{"nouveau", CheckResult::warn, "nouveau is loaded", "blacklist it"}});
  };
  EXPECT_EQ(run({"check"}).status, 0);
}

TEST_F(Nvccctl, MonitorPrintsWhatChanges) {
  const auto child = start({"monitor"});
  const auto printed = [&](const std::string& text) {
    return wait_until([&] { return child->output().contains(text); });
  };
  EXPECT_TRUE(printed("node: mode on, requested on, ready\n"));
  EXPECT_TRUE(printed("0000:83:00.0: mode off, ready\n"));
  manager.change_device("0000:65:00.0", [](DeviceSnapshot& gpu) {
    gpu.state = DeviceState::failed;
    gpu.error = "did not boot";
  });
  manager.appear(hopper_gpu("0000:66:00.0"));
  manager.disappear("0000:83:00.0");
  manager.end_job(manager.start_job({.mode = Mode::on, .state = JobState::running}), JobState::cancelled);
  EXPECT_TRUE(printed("0000:65:00.0: mode on, failed: did not boot\n"));
  EXPECT_TRUE(printed("0000:66:00.0: mode on, ready\n"));
  EXPECT_TRUE(printed("0000:83:00.0: removed\n"));
  EXPECT_TRUE(printed("job 1: set-mode on cancelled\n"));
  service.reset();
  EXPECT_TRUE(printed("nvccd stopped\n"));
  serve();
  EXPECT_TRUE(printed("nvccd started\n"));
}

TEST_F(Nvccctl, MonitorPrintsADocumentALineForPrograms) {
  const auto child = start({"monitor", "--json"});
  ASSERT_TRUE(wait_until([&] { return child->output().contains("0000:83:00.0"); }));
  manager.end_job(manager.start_job({.mode = Mode::on, .state = JobState::running}), JobState::cancelled);
  ASSERT_TRUE(wait_until([&] { return child->output().contains("\"job-ended\""); }));
  std::istringstream lines(child->output());
  std::vector<std::string> events;
  for (std::string line; std::getline(lines, line);) {
    const auto document = nlohmann::json::parse(line);
    events.push_back(document["event"]);
    EXPECT_TRUE(document.contains("time") && document.contains("object")) << line;
  }
  EXPECT_EQ(std::vector(events.begin(), events.begin() + 3),
            (std::vector<std::string>{"node", "device", "device"}));
  EXPECT_TRUE(std::ranges::find(events, "job") != events.end());
}

}  // namespace
}  // namespace nvccd::test
