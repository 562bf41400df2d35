// One device at one socket path, for one client after the other.
#pragma once

#include <chrono>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "connection.h"
#include "unix_socket.h"

namespace emulator::vfio_user {

class DeviceSocket {
 public:
  // Told of each client: true when it comes, false with the reason when it goes.
  using ClientSink = std::function<void(bool connected, const std::string& reason)>;

  // How long a device may take to answer before its client is sent away; QEMU gives up after 5 s.
  static constexpr std::chrono::milliseconds patience{3000};

  // `loop` and `device` must outlive the object. A further client waits until the one before has left:
  // a PCI function sits in one slot. A client that comes while the device does not answer (its
  // configuration reads are all ones, as during a reset) waits too: QEMU hangs on such a device.
  static std::expected<std::unique_ptr<DeviceSocket>, std::string> open(EventLoop& loop,
                                                                        const std::filesystem::path& path,
                                                                        Device& device, ClientSink sink = {});
  DeviceSocket(const DeviceSocket&) = delete;
  DeviceSocket& operator=(const DeviceSocket&) = delete;

  // The client's, while there is one.
  const Session* session() const { return connection_ ? &connection_->session() : nullptr; }

 private:
  DeviceSocket(EventLoop& loop, UnixListener listener, Device& device, ClientSink sink);
  void accept();
  void begin(std::chrono::steady_clock::time_point deadline);
  void client_left(const std::string& reason);

  EventLoop& loop_;
  Device& device_;
  ClientSink sink_;
  UnixListener listener_;
  EventLoop::Watch watch_;
  UniqueFd waiting_;  // a client whose device does not answer yet
  EventLoop::Watch retry_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace emulator::vfio_user
