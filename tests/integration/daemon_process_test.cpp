// The daemon as a process, on this host without devices and on a bus of the test's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/child_process.h"
#include "support/private_bus.h"

namespace nvccd::test {
namespace {

class DaemonProcess : public testing::Test {
 protected:
  DaemonProcess() {
    // Else it would write to where this host's container runtimes look.
    std::ofstream(settings()) << "[kubernetes]\nnode_features = false\ncdi = false\n";
    std::filesystem::create_directory(runtime());
    std::filesystem::create_directory(directory_.path() / "state");
  }
  std::string settings() const { return directory_.path() / "nvccd.toml"; }
  std::filesystem::path runtime() const { return directory_.path() / "run"; }
  std::filesystem::path state_file() const { return runtime() / "state.json"; }
  std::unique_ptr<ChildProcess> start() {
    return std::make_unique<ChildProcess>(
        event.get(),
        std::vector<std::string>{NVCCD, "--config", settings(), "--bus", bus.address(), "--runtime-dir",
                                 runtime(), "--state-dir", directory_.path() / "state"},
        ChildProcess::Options{});
  }

  EventPtr event = new_event_loop();
  PrivateBus bus;

 private:
  TemporaryDirectory directory_;
};

TEST_F(DaemonProcess, ASecondOneIsRefusedAndLeavesTheFilesOfTheFirst) {
  const auto first = start();
  const bool written = run_until(event.get(), [&] { return std::filesystem::exists(state_file()); });
  ASSERT_TRUE(written) << first->error_output();
  const auto before = std::filesystem::last_write_time(state_file());
  const auto second = start();
  EXPECT_EQ(second->wait(), 1);
  EXPECT_THAT(second->error_output(), testing::HasSubstr("stop the other nvccd first"));
  ASSERT_TRUE(std::filesystem::exists(state_file()));
  EXPECT_EQ(std::filesystem::last_write_time(state_file()), before);
}

}  // namespace
}  // namespace nvccd::test
