#include "unix_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace emulator::vfio_user {

namespace {

using nvccd::UniqueFd;

std::string failure(const char* step, const std::filesystem::path& path) {
  return fmt::format("{} {}: {}", step, path.string(), std::strerror(errno));
}

std::expected<sockaddr_un, std::string> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof(address.sun_path)) {
    return std::unexpected(
        fmt::format("{}: a socket's path must be shorter than {} bytes, use another directory", path.string(),
                    sizeof(address.sun_path)));
  }
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

UnixListener::UnixListener(UniqueFd fd, std::filesystem::path path)
    : fd_(std::move(fd)), path_(std::move(path)) {}

UnixListener::UnixListener(UnixListener&& other) noexcept
    : fd_(std::move(other.fd_)), path_(std::exchange(other.path_, {})) {}

UnixListener::~UnixListener() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

std::expected<UnixListener, std::string> UnixListener::listen(const std::filesystem::path& path) {
  // Under another name until it listens: whoever sees the socket can connect to it.
  const std::filesystem::path unfinished = path.string() + ".new";
  const auto address = address_of(unfinished);
  if (!address) return std::unexpected(address.error());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return std::unexpected(failure("make a socket for", path));
  ::unlink(unfinished.c_str());
  if (::bind(fd.get(), generic(*address), sizeof(*address)) != 0) {
    return std::unexpected(failure("bind a socket to", unfinished));
  }
  UnixListener listener(std::move(fd), unfinished);
  if (::listen(listener.fd(), 16) != 0) return std::unexpected(failure("listen on", unfinished));
  if (::rename(unfinished.c_str(), path.c_str()) != 0) {
    return std::unexpected(failure("put the socket at", path));
  }
  listener.path_ = path;
  return listener;
}

UniqueFd UnixListener::accept() const {
  return UniqueFd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

std::expected<UniqueFd, std::string> connect_unix(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) return std::unexpected(address.error());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return std::unexpected(failure("make a socket for", path));
  if (::connect(fd.get(), generic(*address), sizeof(*address)) != 0) {
    return std::unexpected(failure("connect to", path));
  }
  return fd;
}

}  // namespace emulator::vfio_user
