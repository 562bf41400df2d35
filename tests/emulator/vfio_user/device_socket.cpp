#include "vfio_user/device_socket.h"

#include <utility>

namespace emulator::vfio_user {

std::expected<std::unique_ptr<DeviceSocket>, std::string> DeviceSocket::open(
    EventLoop& loop, const std::filesystem::path& path, Device& device, ClientSink sink) {
  auto listener = UnixListener::listen(path);
  if (!listener) return std::unexpected(listener.error());
  return std::unique_ptr<DeviceSocket>(new DeviceSocket(loop, std::move(*listener), device, std::move(sink)));
}

DeviceSocket::DeviceSocket(EventLoop& loop, UnixListener listener, Device& device, ClientSink sink)
    : loop_(loop), device_(device), sink_(std::move(sink)), listener_(std::move(listener)) {
  watch_ = loop_.watch(listener_.fd(), EPOLLIN, [this] { accept(); });
}

void DeviceSocket::accept() {
  UniqueFd client = listener_.accept();
  if (!client) return;
  watch_.set_events(0);
  connection_ = std::make_unique<Connection>(loop_, std::move(client), device_,
                                             [this](const std::string& reason) { client_left(reason); });
  if (sink_) sink_(true, {});
}

void DeviceSocket::client_left(const std::string& reason) {
  connection_.reset();
  watch_.set_events(EPOLLIN);
  if (sink_) sink_(false, reason);
}

}  // namespace emulator::vfio_user
