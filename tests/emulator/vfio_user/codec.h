// Structures of the protocol to bytes and back, and the assembly of messages from a byte stream.
#pragma once

#include <cstddef>
#include <cstring>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "common/base/fd.h"
#include "protocol.h"

namespace emulator::vfio_user {

using Bytes = std::vector<std::byte>;
using nvccd::UniqueFd;

// The structure at the start of `bytes`; nothing when they are too few.
template <typename T>
std::optional<T> decode(std::span<const std::byte> bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

template <typename T>
void append(Bytes& out, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  const std::size_t at = out.size();
  out.resize(at + sizeof(T));
  std::memcpy(out.data() + at, &value, sizeof(T));
}

template <typename T>
Bytes encode(const T& value) {
  Bytes out;
  append(out, value);
  return out;
}

struct Message {
  Header header;
  Bytes payload;
  std::vector<UniqueFd> fds;
};

Bytes encode_reply(const Header& request, std::span<const std::byte> payload);
Bytes encode_error(const Header& request, int error);

// Assembles one message after the other. It never asks for bytes beyond the message under way: on a
// stream socket that is what tells to which message a passed descriptor belongs.
class MessageReader {
 public:
  // Where the next bytes of the stream go; never empty.
  std::span<std::byte> space();
  // `count` bytes were put into space(), `fds` came with them. A complete message, nothing yet, or why
  // the stream cannot be followed any further.
  std::expected<std::optional<Message>, std::string> commit(std::size_t count, std::vector<UniqueFd> fds);

 private:
  Bytes header_ = Bytes(sizeof(Header));
  Bytes payload_;
  std::vector<UniqueFd> fds_;
  std::size_t received_ = 0;  // bytes of the message under way, header included
};

}  // namespace emulator::vfio_user
