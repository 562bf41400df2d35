#include "device_socket.h"

#include <utility>

namespace emulator::vfio_user {

namespace {

constexpr std::chrono::milliseconds retry_interval{5};

}  // namespace

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
  waiting_ = listener_.accept();
  if (!waiting_) return;
  watch_.set_events(0);
  if (sink_) sink_(true, {});
  begin(std::chrono::steady_clock::now() + patience);
}

void DeviceSocket::begin(std::chrono::steady_clock::time_point deadline) {
  if (device_.config_read(0, 4) != 0xFFFFFFFF) {
    connection_ = std::make_unique<Connection>(loop_, std::move(waiting_), device_,
                                               [this](const std::string& reason) { client_left(reason); });
  } else if (std::chrono::steady_clock::now() < deadline) {
    retry_ = loop_.after(retry_interval, [this, deadline] { begin(deadline); });
  } else {
    waiting_.reset();
    client_left("the device does not answer");
  }
}

void DeviceSocket::client_left(const std::string& reason) {
  connection_.reset();
  watch_.set_events(EPOLLIN);
  if (sink_) sink_(false, reason);
}

}  // namespace emulator::vfio_user
