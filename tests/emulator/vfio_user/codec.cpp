#include "codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace emulator::vfio_user {

namespace {

// A message carries at most max_message_fds; a few more are kept so that the session can refuse it in order.
constexpr std::size_t fds_kept = 2 * max_message_fds;

Header reply_header(const Header& request, std::size_t payload_size) {
  return {.id = request.id,
          .command = request.command,
          .size = static_cast<std::uint32_t>(sizeof(Header) + payload_size),
          .flags = type_reply};
}

}  // namespace

Bytes encode_reply(const Header& request, std::span<const std::byte> payload) {
  const Header header = reply_header(request, payload.size());
  Bytes out(header.size);
  std::memcpy(out.data(), &header, sizeof(header));
  std::copy(payload.begin(), payload.end(), out.begin() + sizeof(header));
  return out;
}

Bytes encode_error(const Header& request, int error) {
  Header header = reply_header(request, 0);
  header.flags |= flag_error;
  header.error = static_cast<std::uint32_t>(error);
  return encode(header);
}

std::span<std::byte> MessageReader::space() {
  if (received_ < sizeof(Header)) return std::span(header_).subspan(received_);
  return std::span(payload_).subspan(received_ - sizeof(Header));
}

std::expected<std::optional<Message>, std::string> MessageReader::commit(std::size_t count,
                                                                         std::vector<UniqueFd> fds) {
  fds_.insert(fds_.end(), std::make_move_iterator(fds.begin()), std::make_move_iterator(fds.end()));
  if (fds_.size() > fds_kept) {
    return std::unexpected(fmt::format("more than {} descriptors came with one message", fds_kept));
  }
  received_ += count;
  if (received_ < sizeof(Header)) return std::nullopt;

  const Header header = *decode<Header>(header_);
  if (received_ == sizeof(Header)) {
    if (header.size < sizeof(Header) || header.size > max_message_size) {
      return std::unexpected(
          fmt::format("message size {} is outside {} to {}", header.size, sizeof(Header), max_message_size));
    }
    payload_.resize(header.size - sizeof(Header));
  }
  if (received_ < header.size) return std::nullopt;

  received_ = 0;
  return Message{header, std::exchange(payload_, {}), std::exchange(fds_, {})};
}

}  // namespace emulator::vfio_user
