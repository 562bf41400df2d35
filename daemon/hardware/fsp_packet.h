// Packets to and from the firmware security processor: pure functions between values and 32-bit words.
// Facts: NVIDIA's gpu-admin-tools, see docs/hardware.md.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/model/error.h"

namespace nvccd {

using Words = std::vector<std::uint32_t>;

// Kind of message inside the vendor-defined MCTP packet.
enum class MessageType : std::uint8_t {
  prc = 0x13,  // platform resource control: the knobs
  response = 0x15,
};

// A whole message in one packet: transport header, message header, payload.
Words make_packet(MessageType type, std::span<const std::uint32_t> payload);

struct FspReply {
  std::uint32_t error_code = 0;  // 0: success
  Words payload;
};

// Fails when the packet is too short, no response, or the response to another type of request.
Result<FspReply> parse_reply(std::span<const std::uint32_t> packet, MessageType request);

// Error codes with a known meaning.
inline constexpr std::uint32_t fsp_error_unknown_knob = 0x1e3;

// "0x1e3 (unknown knob)"
std::string describe_fsp_error(std::uint32_t code);

}  // namespace nvccd
