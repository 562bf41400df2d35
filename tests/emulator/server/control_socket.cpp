#include "control_socket.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace emulator::server {

namespace {

constexpr std::size_t longest_line = 64 * 1024;

// Replies fit the socket's buffer; a client that does not take them is not waited for.
bool send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

std::expected<std::unique_ptr<ControlSocket>, std::string> ControlSocket::open(
    vfio_user::EventLoop& loop, const std::filesystem::path& path, Handler handler) {
  auto listener = vfio_user::UnixListener::listen(path);
  if (!listener) return std::unexpected(listener.error());
  return std::unique_ptr<ControlSocket>(new ControlSocket(loop, std::move(*listener), std::move(handler)));
}

ControlSocket::ControlSocket(vfio_user::EventLoop& loop, vfio_user::UnixListener listener, Handler handler)
    : loop_(loop), listener_(std::move(listener)), handler_(std::move(handler)) {
  watch_ = loop_.watch(listener_.fd(), EPOLLIN, [this] { accept(); });
}

void ControlSocket::accept() {
  nvccd::UniqueFd socket = listener_.accept();
  if (!socket) return;
  const int fd = socket.get();
  const auto client = clients_.insert(clients_.end(), Client{std::move(socket), {}, {}});
  client->watch = loop_.watch(fd, EPOLLIN, [this, client] { serve(client); });
}

void ControlSocket::serve(std::list<Client>::iterator client) {
  if (!read(*client) || !answer_lines(*client)) clients_.erase(client);
}

bool ControlSocket::read(Client& client) {
  std::array<char, 4096> buffer;
  const ssize_t count = ::recv(client.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  client.input.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0;
}

bool ControlSocket::answer_lines(Client& client) {
  for (;;) {
    const std::size_t end = client.input.find('\n');
    if (end == std::string::npos) return client.input.size() <= longest_line;
    const std::string line = client.input.substr(0, end);
    client.input.erase(0, end + 1);
    if (!send_all(client.socket.get(), handler_(line) + "\n")) return false;
  }
}

}  // namespace emulator::server
