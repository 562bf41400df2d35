// What a person sees on a terminal. The screen's contents are compared, not the bytes that led to them.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <regex>

#include "nvccctl_fixture.h"
#include "tests/support/screen.h"

namespace nvccd::test {
namespace {

class NvccctlOnTerminal : public NvccctlTest {
 protected:
  // Starts a change of both devices, whose lines are on the screen when this returns.
  std::unique_ptr<ChildProcess> start_change(unsigned short columns = 80) {
    auto child = start({"set-mode", "ppcie"}, on_terminal(columns));
    EXPECT_TRUE(wait_until([&] { return shows(*child, "0000:83:00.0", columns); }));
    for (const char* address : {"0000:65:00.0", "0000:83:00.0"})
      manager.change_device(address, [](DeviceSnapshot& device) {
        device.state = DeviceState::transitioning;
        device.requested_mode = Mode::ppcie;
      });
    return child;
  }

  void come_to(JobPhase phase, double progress) {
    manager.change_job(1, [&](JobSnapshot& job) {
      job.phase = phase;
      job.progress = progress;
    });
  }

  static void finish(DeviceSnapshot& device) {
    device.mode = Mode::ppcie;
    device.state = DeviceState::ready;
  }

  // How long it takes is no matter of the tests.
  static std::string screen(const ChildProcess& child, std::size_t columns = 80) {
    return std::regex_replace(screen_after(child.output(), columns), std::regex("  \\d+ s\n"), "\n");
  }
  // Whether the screen comes to look so.
  testing::AssertionResult becomes(const ChildProcess& child, const std::string& text,
                                   std::size_t columns = 80) {
    if (wait_until([&] { return screen(child, columns) == text; })) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "the screen is\n" << screen(child, columns);
  }
  static bool shows(const ChildProcess& child, const std::string& text, std::size_t columns = 80) {
    return screen(child, columns).contains(text);
  }
};

TEST_F(NvccctlOnTerminal, HasALineForEachDeviceBelowTheBar) {
  const auto child = start_change();
  ASSERT_TRUE(wait_until([&] { return shows(*child, "off -> ppcie  transitioning"); }));
  come_to(JobPhase::boot, 0.45);
  manager.change_device("0000:83:00.0", finish);  // a shorter line
  EXPECT_TRUE(becomes(*child,
                      "set-mode ppcie: booting  [#########-----------]  45 %\n"
                      "  0000:65:00.0  gpu       H100 SXM5 80GB  on -> ppcie  transitioning\n"
                      "  0000:83:00.0  nvswitch  H100 NVSwitch   ppcie        ready"));
}

TEST_F(NvccctlOnTerminal, LeavesTheSummaryOnly) {
  const auto child = start_change();
  come_to(JobPhase::boot, 0.45);
  manager.end_job(1, JobState::done);
  EXPECT_EQ(child->wait(), 0);
  EXPECT_EQ(screen(*child), "set-mode ppcie: done, 2 devices");
}

TEST_F(NvccctlOnTerminal, NamesEveryDeviceThatFailed) {
  const auto child = start_change();
  for (const char* address : {"0000:65:00.0", "0000:83:00.0"})
    manager.change_device(address, [&](DeviceSnapshot& device) {
      device.state = DeviceState::failed;
      device.error =
          fmt::format("{}: boot: the device did not boot within 60 s; power-cycle the device", address);
    });
  manager.end_job(1, JobState::failed,
                  Error{.kind = ErrorKind::hardware_failed,
                        .cause = "the device did not boot within 60 s",
                        .advice = "power-cycle the device",
                        .step = "boot",
                        .device = PciAddress::parse("0000:65:00.0")});
  EXPECT_EQ(child->wait(), 1);
  EXPECT_EQ(screen(*child),
            "nvccctl: set-mode ppcie failed: 0000:65:00.0: boot: the device did not boot\n"
            "  within 60 s; power-cycle the device\n"
            "0000:83:00.0: boot: the device did not boot within 60 s; power-cycle the device\n"
            "journalctl -u nvccd has the details");
}

TEST_F(NvccctlOnTerminal, FitsItsLinesToANarrowTerminal) {
  const auto child = start_change(50);
  come_to(JobPhase::reset, 0.2);
  EXPECT_TRUE(becomes(*child,
                      "set-mode ppcie: resetting  20 %\n"
                      "  0000:65:00.0  on -> ppcie   transitioning\n"
                      "  0000:83:00.0  off -> ppcie  transitioning",
                      50));
}

TEST_F(NvccctlOnTerminal, FollowsTheSizeOfTheTerminal) {
  const auto child = start_change(50);
  child->resize_terminal(120);
  ASSERT_TRUE(wait_until([&] { return child->output().contains("H100 SXM5 80GB"); }));
  manager.end_job(1, JobState::done);
  EXPECT_EQ(child->wait(), 0);
  EXPECT_EQ(screen(*child, 120), "set-mode ppcie: done, 2 devices");
}

TEST_F(NvccctlOnTerminal, CtrlCLeavesTheChangeRunningAndSaysSo) {
  const auto child = start_change();
  ::kill(child->pid(), SIGINT);
  EXPECT_EQ(child->wait_for_signal(), SIGINT) << "a shell has to see it";
  EXPECT_EQ(screen(*child),
            "\nset-mode ppcie goes on: nvccctl status shows it, nvccctl cancel stops it until\n"
            "  the first device is reset");
  EXPECT_TRUE(manager.requests.empty()) << "nothing was cancelled";
  EXPECT_EQ(manager.jobs().size(), 1U);
}

TEST_F(NvccctlOnTerminal, PrintsPlainLinesWhereLinesCannotBeWrittenOver) {
  auto options = on_terminal();
  options.environment = {"TERM=dumb"};
  const auto child = start({"set-mode", "off"}, options);
  ASSERT_TRUE(wait_until([&] { return child->output().contains("staging"); }));
  manager.end_job(1, JobState::done);
  EXPECT_EQ(child->wait(), 0);
  EXPECT_EQ(child->output(),
            "set-mode off: staging, 2 devices\r\n"
            "set-mode off: done, 2 devices\r\n");
}

TEST_F(NvccctlOnTerminal, UsesColoursForTroubleOnlyAndNeverWithNoColor) {
  const auto red = [](const std::string& text) { return text.contains("\033[31m"); };
  const std::string fine = run({"status"}, on_terminal()).output;
  EXPECT_FALSE(fine.contains("\033[3")) << fine;
  manager.change_device("0000:65:00.0", [](DeviceSnapshot& gpu) { gpu.state = DeviceState::failed; });
  EXPECT_TRUE(red(run({"status"}, on_terminal()).output));
  EXPECT_FALSE(run({"status"}).output.contains('\033'));
  for (const char* variable : {"NO_COLOR=1", "TERM=dumb"}) {
    auto options = on_terminal();
    options.environment.emplace_back(variable);
    const std::string plain = run({"status"}, options).output;
    EXPECT_TRUE(plain.contains("failed"));
    EXPECT_FALSE(plain.contains('\033')) << variable;
  }
}

TEST_F(NvccctlOnTerminal, StatusFitsTheTerminalAndIsWholeInAPipe) {
  manager.change_device("0000:65:00.0", [](DeviceSnapshot& gpu) {
    gpu.name = "GB202GL [RTX PRO 6000 Blackwell Max-Q Workstation Edition]";
    gpu.error =
        "0000:65:00.0: stage: the firmware answered 0x202 to a write of knob 8; power-cycle the device";
  });
  std::istringstream lines(
      run({"status"}, {.environment = {"TERM=xterm", "NO_COLOR=1"}, .terminal = true}).output);
  for (std::string line; std::getline(lines, line);)
    EXPECT_LE(line.size(), 81U) << line;  // with the CR
  const std::string piped = run({"status"}).output;
  EXPECT_TRUE(piped.contains("  GB202GL [RTX PRO 6000 Blackwell Max-Q Workstation Edition]  ")) << piped;
  EXPECT_TRUE(piped.contains("of knob 8; power-cycle the device\n")) << piped;
}

}  // namespace
}  // namespace nvccd::test
