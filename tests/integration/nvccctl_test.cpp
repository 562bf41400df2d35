// nvccctl as people and scripts run it, against nvccd's objects on a private bus.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "dbus/error_name.h"
#include "support/bus_fixture.h"
#include "support/child_process.h"

namespace nvccd::test {
namespace {

constexpr uid_t nobody = 65534;

class Nvccctl : public BusTest {
 protected:
  Nvccctl() {
    manager.appear(hopper_gpu("0000:65:00.0"));
    manager.appear(ls10_switch("0000:83:00.0"));
    manager.change_node([](NodeState& node) {
      node.mode_state = ModeState::on;
      node.ready = true;
    });
    serve();
  }

  std::unique_ptr<ChildProcess> start(std::vector<std::string> arguments,
                                      ChildProcess::Options options = {}) {
    arguments.insert(arguments.begin(), NVCCCTL);
    options.environment.push_back("DBUS_SYSTEM_BUS_ADDRESS=" + bus.address());
    return std::make_unique<ChildProcess>(event.get(), arguments, options);
  }

  struct Outcome {
    int status;
    std::string output;
    std::string errors;
  };
  Outcome run(const std::vector<std::string>& arguments, const ChildProcess::Options& options = {}) {
    const auto child = start(arguments, options);
    const int status = child->wait();
    return {status, child->output(), child->error_output()};
  }

  bool wait_until(const std::function<bool()>& condition) { return run_until(event.get(), condition); }
};

TEST_F(Nvccctl, ShowsTheNodeAndItsDevicesByDefault) {
  const Outcome outcome = run({});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output,
            "Mode       on\n"
            "Requested  on (the default)\n"
            "Ready      yes\n"
            "Host       not confidential\n"
            "\n"
            "ADDRESS       KIND      NAME                    MODE  REQUESTED  STATE  DRIVER\n"
            "0000:65:00.0  gpu       GH100 [H100 SXM5 80GB]  on    on         ready  vfio-pci\n"
            "0000:83:00.0  nvswitch  GH100 [H100 NVSwitch]   off   off        ready  vfio-pci\n");
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

TEST_F(Nvccctl, SaysThatADeviceIsNotThere) {
  const Outcome outcome = run({"show", "0000:99:00.0"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.errors, "nvccctl: there is no device 0000:99:00.0; nvccctl list shows them\n");
}

TEST_F(Nvccctl, WaitsForTheJobAndSaysHowItEnded) {
  const auto child = start({"set-mode", "ppcie"});
  ASSERT_TRUE(wait_until([&] { return !manager.jobs().empty(); }));
  manager.end_job(1, JobState::done);
  EXPECT_EQ(child->wait(), 0);
  EXPECT_EQ(child->output(), "set-mode ppcie: done, 2 devices\n");
  EXPECT_EQ(child->error_output(), "");
  ASSERT_EQ(manager.set_mode_requests.size(), 1U);
  EXPECT_EQ(manager.set_mode_requests[0].mode, Mode::ppcie);
  EXPECT_TRUE(manager.set_mode_requests[0].options.persist);
  EXPECT_EQ(manager.set_mode_requests[0].options.wait, std::nullopt);
}

TEST_F(Nvccctl, LearnsTheResultOfAJobThatIsOverBeforeTheReply) {
  manager.on_new_job = [&](JobId id) {
    manager.end_job(id, JobState::failed, Error{.kind = ErrorKind::not_supported, .cause = "no ppcie here"});
  };
  const Outcome outcome = run({"set-mode", "ppcie"});
  EXPECT_EQ(outcome.status, 4);
  EXPECT_EQ(outcome.errors, "nvccctl: set-mode ppcie failed: no ppcie here\n");
}

TEST_F(Nvccctl, FollowsAJobThatSomebodyElseHasStarted) {
  manager.join = manager.start_job({.mode = Mode::off, .state = JobState::running});
  const auto child = start({"set-mode", "off"}, {.environment = {"TERM=xterm"}, .terminal = true});
  ASSERT_TRUE(wait_until([&] { return child->output().contains("set-mode off: stage, 0 %"); }));
  manager.end_job(*manager.join, JobState::done);
  EXPECT_EQ(child->wait(), 0);
  EXPECT_TRUE(child->output().ends_with("set-mode off: done, nothing had to change\r\n")) << child->output();
}

TEST_F(Nvccctl, KnowsTheResultOfAJobOfWhichOnlyTheEndWasSeen) {
  manager.join = manager.start_job({.mode = Mode::off, .state = JobState::done});
  manager.on_new_job = [&](JobId id) { manager.end_job(id, JobState::done); };
  const Outcome outcome = run({"set-mode", "off"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output, "set-mode off: done\n");
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
  EXPECT_TRUE(outcome.output.starts_with("/org/nvccd1/job/1 has begun")) << outcome.output;
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
  EXPECT_EQ(run({"bind", "65:00.0"}).output, "bind 0000:65:00.0: done, 1 device\n");
  EXPECT_EQ(run({"unbind", "0000:65:00.0"}).status, 0);
  EXPECT_EQ(run({"reset", "0000:83:00.0"}).status, 0);
  EXPECT_EQ(run({"rescan"}).status, 0);
  EXPECT_EQ(run({"reload"}).status, 0);
  EXPECT_EQ(manager.requests, (std::vector<std::string>{"bind 0000:65:00.0", "unbind 0000:65:00.0",
                                                        "reset 0000:83:00.0", "rescan", "reload"}));
}

TEST_F(Nvccctl, TellsScriptsWhyByItsExitStatus) {
  struct {
    ErrorKind kind;
    int status;
  } const cases[] = {{ErrorKind::device_busy, 3},     {ErrorKind::not_supported, 4},
                     {ErrorKind::hardware_failed, 1}, {ErrorKind::job_in_progress, 1},
                     {ErrorKind::invalid_config, 1},  {ErrorKind::system, 1}};
  for (const auto& [kind, status] : cases) {
    // Whether it is refused at once or by the job's failing.
    manager.refusal = Error{.kind = kind, .cause = "because"};
    EXPECT_EQ(run({"set-mode", "off"}).status, status) << dbus::error_name(kind);
    manager.refusal.reset();
    manager.on_new_job = [&, failure = Error{.kind = kind, .cause = "because"}](JobId id) {
      manager.end_job(id, JobState::failed, failure);
    };
    EXPECT_EQ(run({"set-mode", "off"}).status, status) << dbus::error_name(kind);
  }
  EXPECT_EQ(run({"set-mode", "sideways"}).status, 2);
  EXPECT_EQ(run({"--bus", "unix:path=/nonexistent"}).status, 5);
}

TEST_F(Nvccctl, SaysThatTheDaemonDoesNotRun) {
  service.reset();
  const Outcome outcome = run({"status"});
  EXPECT_EQ(outcome.status, 5);
  EXPECT_EQ(outcome.errors, "nvccctl: nvccd is not running; \"systemctl enable --now nvccd\" starts it\n");
}

TEST_F(Nvccctl, NoticesThatTheDaemonStopsUnderAJob) {
  const auto child = start({"set-mode", "off"});
  ASSERT_TRUE(wait_until([&] { return !manager.jobs().empty(); }));
  service.reset();
  EXPECT_EQ(child->wait(), 5);
  EXPECT_TRUE(child->error_output().contains("nvccd stopped before the change was complete"));
}

TEST_F(Nvccctl, WhoMayNotIsToldSo) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  const auto child = std::make_unique<ChildProcess>(
      event.get(),
      std::vector<std::string>{"/usr/bin/setpriv", fmt::format("--reuid={}", nobody), "--clear-groups",
                               NVCCCTL, "--bus", bus.address(), "set-mode", "off"},
      ChildProcess::Options{});
  EXPECT_EQ(child->wait(), 6) << child->error_output();
  EXPECT_TRUE(child->error_output().contains("not authorised")) << child->error_output();
  EXPECT_TRUE(manager.set_mode_requests.empty());
}

TEST_F(Nvccctl, UsesColoursOnATerminalOnlyAndNeverWithNoColor) {
  EXPECT_FALSE(run({"list"}).output.contains('\033'));
  const std::string on_terminal = run({"list"}, {.environment = {"TERM=xterm"}, .terminal = true}).output;
  EXPECT_TRUE(on_terminal.contains("\033[32mready\033[0m")) << on_terminal;
  const std::string plain =
      run({"list"}, {.environment = {"TERM=xterm", "NO_COLOR=1"}, .terminal = true}).output;
  EXPECT_TRUE(plain.contains("ready"));
  EXPECT_FALSE(plain.contains('\033'));
}

TEST_F(Nvccctl, ShowsProgressOnATerminalWhileTheJobRuns) {
  const auto child = start({"set-mode", "off"}, {.environment = {"TERM=xterm"}, .terminal = true});
  ASSERT_TRUE(wait_until([&] { return !manager.jobs().empty(); }));
  manager.change_job(1, [](JobSnapshot& job) {
    job.phase = JobPhase::boot;
    job.progress = 0.45;
  });
  manager.end_job(1, JobState::done);
  EXPECT_EQ(child->wait(), 0);
  const std::string output = child->output();
  EXPECT_TRUE(output.contains("set-mode off: boot, 45 %, 2 devices")) << output;
  EXPECT_TRUE(output.ends_with("\r\033[Kset-mode off: done, 2 devices\r\n")) << output;
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

}  // namespace
}  // namespace nvccd::test
