#include "connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace emulator::vfio_user {

namespace {

// More are served in the loop's next round, so that one busy client cannot starve the others.
constexpr int messages_per_round = 64;

// The most descriptors the kernel passes at once (SCM_MAX_FD): none is ever cut off unseen.
constexpr std::size_t kernel_max_fds = 253;

struct Received {
  ssize_t count;  // as of recvmsg
  std::vector<UniqueFd> fds;
};

Received receive_bytes(int socket, std::span<std::byte> space) {
  iovec part{space.data(), space.size()};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kernel_max_fds * sizeof(int))> control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();

  Received received{::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT), {}};
  if (received.count < 0) return received;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      received.fds.emplace_back(fd);
    }
  }
  return received;
}

}  // namespace

Connection::Connection(EventLoop& loop, UniqueFd socket, Device& device, Ended ended)
    : socket_(std::move(socket)), session_(device), ended_(std::move(ended)) {
  watch_ = loop.watch(socket_.get(), EPOLLIN, [this] { serve(); });
}

void Connection::serve() {
  Step step = flush();
  // Nothing more is read while the client does not take its replies: that bounds the output.
  for (int served = 0; step == Step::done && served < messages_per_round; ++served) {
    step = receive();
    if (step == Step::done) step = flush();
  }
  if (step == Step::ended) {
    const Ended ended = std::exchange(ended_, {});
    const std::string reason = reason_;
    watch_ = {};
    ended(reason);  // `this` may be gone afterwards
    return;
  }
  watch_.set_events(sent_ < output_.size() ? EPOLLOUT : EPOLLIN);
}

Connection::Step Connection::receive() {
  for (;;) {
    Received received = receive_bytes(socket_.get(), reader_.space());
    if (received.count < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return Step::blocked;
      return end(std::strerror(errno));
    }
    if (received.count == 0) return end("the client left");
    auto message = reader_.commit(static_cast<std::size_t>(received.count), std::move(received.fds));
    if (!message) return end(message.error());
    if (!*message) continue;
    Outcome outcome = session_.handle(std::move(**message));
    output_ = std::move(outcome.reply);
    sent_ = 0;
    if (outcome.close) {
      last_reply_ = true;
      reason_ = std::move(outcome.problem);
    }
    return Step::done;
  }
}

Connection::Step Connection::flush() {
  while (sent_ < output_.size()) {
    const auto rest = std::span(output_).subspan(sent_);
    const ssize_t count = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return Step::blocked;
      return end(std::strerror(errno));
    }
    sent_ += static_cast<std::size_t>(count);
  }
  output_.clear();
  sent_ = 0;
  return last_reply_ ? Step::ended : Step::done;
}

Connection::Step Connection::end(std::string reason) {
  reason_ = std::move(reason);
  return Step::ended;
}

}  // namespace emulator::vfio_user
