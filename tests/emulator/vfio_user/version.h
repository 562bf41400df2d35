// The first exchange of a connection: protocol version and capabilities.
#pragma once

#include <expected>
#include <span>
#include <string>

#include "codec.h"

namespace emulator::vfio_user {

struct Negotiated {
  bool write_multi = false;
  Bytes reply;  // payload of the reply
};

// `proposal` is the payload of the client's version message. The error says why the two do not fit.
std::expected<Negotiated, std::string> negotiate(std::span<const std::byte> proposal);

}  // namespace emulator::vfio_user
