#include "daemon/hardware/fsp_packet.h"

#include <fmt/format.h>

#include <utility>

namespace nvccd {
namespace {

// Start and end of message in one packet; version, endpoints, tag and sequence are zero.
constexpr std::uint32_t single_packet_header = 0xc0000000;
// Vendor-defined PCI message (0x7e) of vendor 0x10de; the message type goes into the top byte.
constexpr std::uint32_t message_header = 0x0010de7e;

// Positions in a reply.
constexpr std::size_t message_header_word = 1;
constexpr std::size_t request_type_word = 3;
constexpr std::size_t error_code_word = 4;
constexpr std::size_t payload_word = 5;

Error malformed(std::string cause) {
  return Error{.kind = ErrorKind::hardware_failed,
               .cause = "the firmware's reply is malformed: " + std::move(cause),
               .transient = true};
}

}  // namespace

Words make_packet(MessageType type, std::span<const std::uint32_t> payload) {
  Words packet = {single_packet_header, message_header | std::uint32_t{std::to_underlying(type)} << 24};
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

Result<FspReply> parse_reply(std::span<const std::uint32_t> packet, MessageType request) {
  if (packet.size() < payload_word)
    return std::unexpected(
        malformed(fmt::format("{} words, at least {} expected", packet.size(), payload_word)));
  const std::uint32_t type = packet[message_header_word] >> 24;
  if (type != std::to_underlying(MessageType::response))
    return std::unexpected(malformed(fmt::format("message type {:#x} instead of a response", type)));
  if (packet[request_type_word] != std::to_underlying(request))
    return std::unexpected(
        malformed(fmt::format("it answers a request of type {:#x}, not ours", packet[request_type_word])));
  return FspReply{packet[error_code_word], Words(packet.begin() + payload_word, packet.end())};
}

std::string describe_fsp_error(std::uint32_t code) {
  switch (code) {
    case fsp_error_unknown_knob:
      return fmt::format("{:#x} (unknown knob)", code);
    case 0x202:
      return fmt::format("{:#x} (seen on devices that refuse every knob; meaning not published)", code);
    default:
      return fmt::format("{:#x} (meaning not published)", code);
  }
}

}  // namespace nvccd
