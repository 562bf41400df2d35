// The daemon as a process, on this host without devices and on a bus of the test's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <fstream>

#include "tests/support/child_process.h"
#include "tests/support/private_bus.h"

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
  std::unique_ptr<ChildProcess> start(const std::string& notify_socket = "") {
    return std::make_unique<ChildProcess>(
        event.get(),
        std::vector<std::string>{NVCCD, "--config", settings(), "--bus", bus.address(), "--runtime-dir",
                                 runtime(), "--state-dir", directory_.path() / "state"},
        ChildProcess::Options{.environment = {"NOTIFY_SOCKET=" + notify_socket}});
  }
  // Until it says, as to systemd, that it is ready.
  std::unique_ptr<ChildProcess> start_until_ready() {
    const std::string path = directory_.path() / "notify";
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    sd_event_source* source = nullptr;
    sd_event_add_io(event.get(), &source, socket.get(), EPOLLIN, on_notification, this);
    const EventSourcePtr listening(source);
    auto daemon = start(path);
    EXPECT_TRUE(run_until(event.get(), [&] { return ready_; })) << daemon->error_output();
    return daemon;
  }

  EventPtr event = new_event_loop();
  PrivateBus bus;

 private:
  static int on_notification(sd_event_source*, int fd, std::uint32_t, void* self) {
    std::array<char, 4096> text{};
    const auto size = ::recv(fd, text.data(), text.size() - 1, 0);
    if (size > 0 && std::string_view(text.data()).contains("READY=1"))
      static_cast<DaemonProcess*>(self)->ready_ = true;
    return 0;
  }

  TemporaryDirectory directory_;
  bool ready_ = false;
};

TEST_F(DaemonProcess, ASecondOneIsRefusedAndLeavesTheFilesOfTheFirst) {
  const auto first = start_until_ready();
  ASSERT_TRUE(std::filesystem::exists(state_file()));
  const auto before = std::filesystem::last_write_time(state_file());
  const auto second = start();
  EXPECT_EQ(second->wait(), 1);
  EXPECT_THAT(second->error_output(), testing::HasSubstr("stop the other nvccd first"));
  ASSERT_TRUE(std::filesystem::exists(state_file()));
  EXPECT_EQ(std::filesystem::last_write_time(state_file()), before);
}

}  // namespace
}  // namespace nvccd::test
