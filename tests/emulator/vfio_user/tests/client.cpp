#include "client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace emulator::vfio_user::test {

namespace {

constexpr auto patience = std::chrono::seconds(10);

[[noreturn]] void fail(const char* step) {
  throw std::runtime_error(std::string(step) + ": " + std::strerror(errno));
}

}  // namespace

Pack& Pack::text(std::string_view value) {
  for (const char c : value)
    bytes_.push_back(static_cast<std::uint8_t>(c));
  bytes_.push_back(0);
  return *this;
}

Pack& Pack::raw(const std::vector<std::uint8_t>& value) {
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  return *this;
}

Pack& Pack::number(std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i)
    bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  return *this;
}

std::uint64_t field(const std::vector<std::uint8_t>& bytes, std::size_t offset, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value |= std::uint64_t{bytes.at(offset + i)} << (8 * i);
  return value;
}

Client::Client(const std::filesystem::path& socket, std::function<void()> serve) : serve_(std::move(serve)) {
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) fail("connect");
}

void Client::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::uint16_t Client::send(std::uint16_t command, const std::vector<std::uint8_t>& payload,
                           const std::vector<int>& fds, std::uint32_t flags) {
  const std::uint16_t id = next_id_++;
  const auto size = static_cast<std::uint32_t>(16 + payload.size());
  send_bytes(Pack().u16(id).u16(command).u32(size).u32(flags).u32(0).raw(payload).bytes(), fds);
  return id;
}

void Client::send_bytes(std::span<const std::uint8_t> bytes, const std::vector<int>& fds) {
  alignas(cmsghdr) char control[CMSG_SPACE(253 * sizeof(int))] = {};
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the server does not read");
    iovec part{const_cast<std::uint8_t*>(bytes.data()) + sent, bytes.size() - sent};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!fds.empty() && sent == 0) {
      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
      std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
    }
    const ssize_t count = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      if (serve_) serve_();
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return;  // receive() will tell
    } else {
      fail("send");
    }
  }
}

bool Client::readable() {
  if (serve_) serve_();
  pollfd wait{fd_, POLLIN, 0};
  return ::poll(&wait, 1, 0) > 0;
}

void Client::wait_readable() {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (serve_) serve_();
    pollfd wait{fd_, POLLIN, 0};
    if (::poll(&wait, 1, serve_ ? 0 : 100) > 0) return;
  }
  throw std::runtime_error("the server neither answered nor closed the connection");
}

std::size_t Client::receive_bytes(std::span<std::uint8_t> space) {
  std::size_t got = 0;
  while (got < space.size()) {
    wait_readable();
    const ssize_t count = ::recv(fd_, space.data() + got, space.size() - got, 0);
    if (count < 0 && errno != ECONNRESET) fail("receive");
    if (count <= 0) break;
    got += static_cast<std::size_t>(count);
  }
  return got;
}

std::optional<Reply> Client::receive() {
  std::vector<std::uint8_t> header(16);
  const std::size_t got = receive_bytes(header);
  if (got == 0) return std::nullopt;
  if (got < header.size()) throw std::runtime_error("half a header came");
  Reply reply;
  reply.id = static_cast<std::uint16_t>(field(header, 0, 2));
  reply.command = static_cast<std::uint16_t>(field(header, 2, 2));
  reply.flags = static_cast<std::uint32_t>(field(header, 8, 4));
  reply.error = static_cast<std::uint32_t>(field(header, 12, 4));
  reply.payload.resize(field(header, 4, 4) - header.size());
  if (receive_bytes(reply.payload) < reply.payload.size()) throw std::runtime_error("half a reply came");
  return reply;
}

Reply Client::call(std::uint16_t command, const std::vector<std::uint8_t>& payload,
                   const std::vector<int>& fds) {
  const std::uint16_t id = send(command, payload, fds);
  const auto reply = receive();
  if (!reply) throw std::runtime_error("the server closed the connection instead of answering");
  if (reply->id != id || reply->command != command || (reply->flags & 0xF) != 1) {
    throw std::runtime_error("the reply belongs to another message");
  }
  return *reply;
}

Reply Client::negotiate(std::string_view capabilities, std::uint16_t major, std::uint16_t minor) {
  return call(1, Pack().u16(major).u16(minor).text(capabilities).bytes());
}

Reply Client::read(std::uint32_t region, std::uint64_t offset, std::uint32_t count) {
  return call(9, Pack().u64(offset).u32(region).u32(count).bytes());
}

Reply Client::write(std::uint32_t region, std::uint64_t offset, const std::vector<std::uint8_t>& data) {
  const auto count = static_cast<std::uint32_t>(data.size());
  return call(10, Pack().u64(offset).u32(region).u32(count).raw(data).bytes());
}

std::uint64_t Client::read_number(std::uint32_t region, std::uint64_t offset, std::uint32_t count) {
  const Reply reply = read(region, offset, count);
  if (reply.failed())
    throw std::runtime_error("read failed: " + std::string(std::strerror(static_cast<int>(reply.error))));
  return field(reply.payload, 16, count);
}

Reply Client::write_number(std::uint32_t region, std::uint64_t offset, std::uint32_t count,
                           std::uint64_t value) {
  std::vector<std::uint8_t> data = Pack().u64(value).bytes();
  data.resize(count);
  return write(region, offset, data);
}

}  // namespace emulator::vfio_user::test
