// A stub device behind a real socket, and clients for it; server and clients share the test's thread.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "client.h"
#include "stub_device.h"
#include "tests/emulator/vfio_user/device_socket.h"

namespace emulator::vfio_user::test {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "nvccd-vfu-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class VfioUserTest : public testing::Test {
 protected:
  VfioUserTest() {
    auto opened =
        DeviceSocket::open(loop, socket_path(), device, [this](bool connected, const std::string& reason) {
          clients.push_back(connected ? "came" : "left: " + reason);
        });
    if (!opened) throw std::runtime_error(opened.error());
    socket = std::move(*opened);
  }

  std::filesystem::path socket_path() const { return directory.path() / "device.sock"; }
  void serve() {
    while (loop.run_once(std::chrono::milliseconds(0))) {
    }
  }
  std::unique_ptr<Client> connect() {
    return std::make_unique<Client>(socket_path(), [this] { serve(); });
  }
  // A client that has agreed on the version.
  std::unique_ptr<Client> start() {
    auto client = connect();
    EXPECT_FALSE(client->negotiate().failed());
    device.config_log.clear();  // the server looks whether the device answers
    return client;
  }

  TemporaryDirectory directory;
  EventLoop loop;
  StubDevice device;
  std::vector<std::string> clients;  // what the server says of them
  std::unique_ptr<DeviceSocket> socket;
};

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

}  // namespace emulator::vfio_user::test
