// What nvccctl says when something does not work, and what to do then.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <fstream>

#include "common/bus/error_name.h"
#include "nvccctl_fixture.h"
#include "tests/support/fake_polkit.h"

namespace nvccd::test {
namespace {

constexpr uid_t nobody = 65534;

class NvccctlErrors : public NvccctlTest {
 protected:
  // Runs it as somebody without privileges.
  std::unique_ptr<ChildProcess> start_as_nobody(std::vector<std::string> arguments,
                                                const ChildProcess::Options& options = {}) {
    arguments.insert(arguments.begin(), {"/usr/bin/setpriv", fmt::format("--reuid={}", nobody),
                                         fmt::format("--regid={}", nobody), "--clear-groups", NVCCCTL});
    return start_program(arguments, options);
  }
  Outcome run_as_nobody(const std::vector<std::string>& arguments,
                        const ChildProcess::Options& options = {}) {
    return outcome_of(*start_as_nobody(arguments, options));
  }
};

TEST_F(NvccctlErrors, SaysThatADeviceIsNotThere) {
  const Outcome outcome = run({"show", "0000:99:00.0"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.errors, "nvccctl: there is no device 0000:99:00.0; nvccctl list shows them\n");
}

TEST_F(NvccctlErrors, TellsScriptsWhyByItsExitStatus) {
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

TEST_F(NvccctlErrors, SaysHowToWaitForADeviceInUse) {
  manager.refusal = Error{.kind = ErrorKind::device_busy,
                          .cause = "the device is in use by a VM",
                          .device = PciAddress::parse("0000:65:00.0")};
  EXPECT_EQ(run({"set-mode", "off", "--no-wait"}).errors,
            "nvccctl: 0000:65:00.0: the device is in use by a VM\n"
            "nvccctl set-mode off --wait waits until the device is free\n");
}

TEST_F(NvccctlErrors, SaysWhatToDoAboutAnotherChange) {
  manager.refusal = Error{.kind = ErrorKind::job_in_progress, .cause = "job 3 is in progress"};
  EXPECT_EQ(run({"reset", "65:00.0"}).errors,
            "nvccctl: job 3 is in progress\n"
            "nvccctl status shows it, nvccctl cancel stops it until the first device is reset\n");
}

TEST_F(NvccctlErrors, SaysThatTheDaemonDoesNotRun) {
  service.reset();
  for (const char* command : {"status", "list", "check", "monitor", "rescan", "cancel"}) {
    const Outcome outcome = run({command});
    EXPECT_EQ(outcome.status, 5) << command;
    EXPECT_EQ(outcome.errors, "nvccctl: nvccd is not running: systemctl start nvccd\n") << command;
  }
}

TEST_F(NvccctlErrors, NoticesThatTheDaemonStopsUnderAJob) {
  const auto child = start({"set-mode", "off"});
  ASSERT_TRUE(wait_until([&] { return !manager.jobs().empty(); }));
  service.reset();
  EXPECT_EQ(child->wait(), 5);
  EXPECT_TRUE(child->error_output().contains("nvccd stopped before the change was complete"));
}

TEST_F(NvccctlErrors, SaysThatAnOlderDaemonIsToBeRestarted) {
  service.reset();
  Client older(event.get(), bus.address());
  ASSERT_GE(sd_bus_request_name(older.bus(), dbus::bus_name, 0), 0);
  const Outcome outcome = run({"check"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(
      outcome.errors.starts_with("nvccctl: the running nvccd does not know Check, and this is nvccctl "))
      << outcome.errors;
  EXPECT_TRUE(outcome.errors.ends_with("\nafter an upgrade: systemctl restart nvccd\n")) << outcome.errors;
}

TEST_F(NvccctlErrors, IsNotDoneWhenItsOutputIsLost) {
  const Outcome outcome =
      outcome_of(*start_program({"/bin/sh", "-c", std::string("exec ") + NVCCCTL + " status >/dev/full"}));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(outcome.errors.contains("cannot write to standard output")) << outcome.errors;
}

TEST_F(NvccctlErrors, WhoMayNotIsToldSo) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  const Outcome outcome = run_as_nobody({"set-mode", "off"});
  EXPECT_EQ(outcome.status, 6) << outcome.errors;
  EXPECT_TRUE(outcome.errors.starts_with("nvccctl: not authorised: ")) << outcome.errors;
  EXPECT_TRUE(
      outcome.errors.ends_with("root may always, and a polkit rule can allow others (see nvccctl(1))\n"))
      << outcome.errors;
  EXPECT_TRUE(manager.set_mode_requests.empty());
}

TEST_F(NvccctlErrors, APasswordIsAskedForUnlessToldNotTo) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  FakePolkit polkit(event.get(), bus.address());
  polkit.answer = FakePolkit::Answer::challenge;
  EXPECT_EQ(run_as_nobody({"rescan"}).status, 6);
  EXPECT_EQ(run_as_nobody({"rescan", "--no-ask-password"}).status, 6);
  ASSERT_EQ(polkit.checks.size(), 2U);
  EXPECT_TRUE(polkit.checks[0].interactive);
  EXPECT_FALSE(polkit.checks[1].interactive);
}

// A pkttyagent that notes what it was started with and when it was told to end.
class NvccctlWithAgent : public NvccctlErrors {
 protected:
  NvccctlWithAgent() {
    ::chmod(directory.path().c_str(), 0777);
    const auto program = directory.path() / "pkttyagent";
    std::ofstream(program) << "#!/bin/bash\n"
                              "log=$(dirname \"$0\")/log\n"
                              "[ \"$1 $3 $4\" = '--notify-fd --fallback --process' ] || exit 1\n"
                              "[ \"$5\" = $PPID ] || exit 1\n"
                              "trap 'echo ended >>\"$log\"; exit' TERM\n"
                              "echo started >\"$log\"\n"
                              "eval \"exec $2>&-\"\n"
                              "while :; do sleep 0.05; done\n";
    ::chmod(program.c_str(), 0755);
  }

  ChildProcess::Options on_terminal_with_agent() {
    auto options = on_terminal();
    options.environment.push_back("PATH=" + directory.path().string() + ":/usr/bin:/bin");
    return options;
  }

  std::string log() {
    std::ifstream file(directory.path() / "log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TemporaryDirectory directory;
};

TEST_F(NvccctlWithAgent, APersonOnATerminalIsAskedByAnAgentThatEndsWithTheCommand) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  FakePolkit polkit(event.get(), bus.address());
  polkit.answer = FakePolkit::Answer::allow;
  EXPECT_EQ(run_as_nobody({"rescan"}, on_terminal_with_agent()).status, 0);
  EXPECT_EQ(log(), "started\nended\n");
}

TEST_F(NvccctlWithAgent, CtrlCInsteadOfThePasswordLeavesTheTerminalAsItWas) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  FakePolkit polkit(event.get(), bus.address());
  polkit.answer = FakePolkit::Answer::wait;
  const auto child = start_as_nobody({"set-mode", "off"}, on_terminal_with_agent());
  ASSERT_TRUE(wait_until([&] { return polkit.checks.size() == 1; }));
  termios settings{};
  ASSERT_EQ(::tcgetattr(child->terminal(), &settings), 0);
  settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);  // what an agent does while it asks
  ::tcsetattr(child->terminal(), TCSANOW, &settings);
  ::kill(child->pid(), SIGINT);
  EXPECT_EQ(child->wait_for_signal(), SIGINT);
  ASSERT_EQ(::tcgetattr(child->terminal(), &settings), 0);
  EXPECT_TRUE(settings.c_lflag & ECHO);
  EXPECT_EQ(log(), "started\nended\n");
  EXPECT_TRUE(manager.set_mode_requests.empty());
}

TEST_F(NvccctlWithAgent, NobodyElseIsAsked) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  FakePolkit polkit(event.get(), bus.address());
  polkit.answer = FakePolkit::Answer::allow;
  auto in_a_pipe = on_terminal_with_agent();
  in_a_pipe.terminal = false;
  EXPECT_EQ(run_as_nobody({"rescan"}, in_a_pipe).status, 0);
  EXPECT_EQ(run_as_nobody({"rescan", "--no-ask-password"}, on_terminal_with_agent()).status, 0);
  EXPECT_EQ(run_as_nobody({"status"}, on_terminal_with_agent()).status, 0);
  EXPECT_EQ(run({"rescan"}, on_terminal_with_agent()).status, 0);
  EXPECT_EQ(log(), "");
}

TEST_F(NvccctlWithAgent, WithoutAnAgentPolkitDecidesAlone) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  FakePolkit polkit(event.get(), bus.address());
  polkit.answer = FakePolkit::Answer::allow;
  auto options = on_terminal();
  options.environment.emplace_back("PATH=/nonexistent");
  EXPECT_EQ(run_as_nobody({"rescan"}, options).status, 0);
}

}  // namespace
}  // namespace nvccd::test
