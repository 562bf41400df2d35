// One device at one socket path, for one client after the other.
#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "vfio_user/connection.h"
#include "vfio_user/unix_socket.h"

namespace emulator::vfio_user {

class DeviceSocket {
 public:
  // Told of each client: true when it comes, false with the reason when it goes.
  using ClientSink = std::function<void(bool connected, const std::string& reason)>;

  // `loop` and `device` must outlive the object. A further client waits until the one before has left:
  // a PCI function sits in one slot.
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
  void client_left(const std::string& reason);

  EventLoop& loop_;
  Device& device_;
  ClientSink sink_;
  UnixListener listener_;
  EventLoop::Watch watch_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace emulator::vfio_user
