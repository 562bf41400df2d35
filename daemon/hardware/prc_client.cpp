#include "daemon/hardware/prc_client.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "daemon/hardware/mailbox_timing.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;

// How long a reply to a predecessor's request may still come in. Ten times a reply's usual 0.2 ms.
constexpr Duration settle_time = 2ms;

constexpr std::uint32_t read_command = 0x0c;
constexpr std::uint32_t write_command = 0x0d;
constexpr std::uint32_t persistent = 2U << 8;

constexpr std::uint32_t command_word(std::uint32_t command, Knob knob) {
  return command | persistent | std::uint32_t{std::to_underlying(knob)} << 16;
}

Error refused(std::string_view action, Knob knob, std::uint32_t code) {
  return Error{.kind = ErrorKind::hardware_failed,
               .cause = fmt::format("the firmware refused to {} {}: error {}", action, to_string(knob),
                                    describe_fsp_error(code))};
}

Error wrong_length(std::string_view action, Knob knob, std::size_t got, std::size_t expected) {
  return Error{
      .kind = ErrorKind::hardware_failed,
      .cause = fmt::format("the firmware's reply to the {} of {} has {} words of payload instead of {}",
                           action, to_string(knob), got, expected),
      .transient = true};
}

}  // namespace

// Firmware that is merely slow has this much more time; from then on it counts as never having got the
// request.
Result<> PrcClient::await_late_reply() {
  const Deadline deadline(clock_, mailbox_timing::reply_limit);
  for (unsigned look = 0;; ++look) {
    const auto pending = transport_->has_message();
    if (!pending) return std::unexpected(pending.error());
    if (*pending || !deadline.sleep(mailbox_timing::pause(look))) break;
  }
  unanswered_ = false;
  return {};
}

Result<> PrcClient::synchronise() {
  if (auto drained = transport_->drain(); !drained) return drained;
  if (unanswered_)
    if (auto waited = await_late_reply(); !waited) return waited;
  clock_.sleep(settle_time);
  if (auto drained = transport_->drain(); !drained) return drained;
  synchronised_ = true;
  return {};
}

Result<FspReply> PrcClient::exchange(std::span<const std::uint32_t> payload) {
  if (!synchronised_)
    if (auto ok = synchronise(); !ok) return std::unexpected(ok.error());
  // Whatever fails below leaves a request or a reply of unknown fate.
  synchronised_ = false;
  if (const auto pending = transport_->has_message(); !pending)
    return std::unexpected(pending.error());
  else if (*pending)
    return std::unexpected(
        Error{.kind = ErrorKind::hardware_failed,
              .cause = "the firmware sent a reply that nobody asked for, so earlier ones are in doubt",
              .transient = true});
  if (auto sent = transport_->send(make_packet(MessageType::prc, payload)); !sent)
    return std::unexpected(sent.error());
  unanswered_ = true;
  const auto packet = transport_->receive();
  if (!packet) return std::unexpected(packet.error());
  unanswered_ = false;
  auto reply = parse_reply(*packet, MessageType::prc);
  if (reply) synchronised_ = true;
  return reply;
}

Result<std::optional<std::uint16_t>> PrcClient::read(Knob knob) {
  const auto reply = exchange(std::array{command_word(read_command, knob)});
  if (!reply) return std::unexpected(reply.error());
  if (reply->error_code == fsp_error_unknown_knob) return std::optional<std::uint16_t>{};
  if (reply->error_code != 0) return std::unexpected(refused("read", knob, reply->error_code));
  if (reply->payload.size() != 1) {
    synchronised_ = false;
    return std::unexpected(wrong_length("read", knob, reply->payload.size(), 1));
  }
  return std::optional{
      static_cast<std::uint16_t>(reply->payload.front() & 0xffff)};  // the upper half may be garbage
}

Result<> PrcClient::write(Knob knob, std::uint16_t value) {
  const auto reply = exchange(std::array{command_word(write_command, knob), std::uint32_t{value}});
  if (!reply) return std::unexpected(reply.error());
  if (reply->error_code != 0) return std::unexpected(refused("write", knob, reply->error_code));
  if (!reply->payload.empty()) {
    synchronised_ = false;
    return std::unexpected(wrong_length("write", knob, reply->payload.size(), 0));
  }
  const auto stored = read(knob);
  if (!stored) return std::unexpected(stored.error());
  if (*stored != value)
    return std::unexpected(
        Error{.kind = ErrorKind::hardware_failed,
              .cause = fmt::format("{} was written as {} but reads back as {}", to_string(knob), value,
                                   *stored ? std::to_string(**stored) : "unknown")});
  return {};
}

}  // namespace nvccd
