#include "fsp.h"

#include <fmt/format.h>

#include <algorithm>

namespace emulator {
namespace {

constexpr std::uint32_t kSinglePacket = 0xC0000000;  // start and end of message
constexpr std::uint32_t kVendorMessage = 0x0010DE7E;
constexpr std::uint32_t kTypePrc = 0x13;
constexpr std::uint32_t kTypeResponse = 0x15;
constexpr std::uint32_t kPrcTask = 3;

constexpr std::uint32_t kCommandReadKnob = 0x0C;
constexpr std::uint32_t kCommandWriteKnob = 0x0D;
constexpr std::uint32_t kCommandEcc = 0x01;
constexpr std::uint32_t kCommandCoupleReset = 0x04;
constexpr std::uint32_t kCommandBlockNvlink = 0x0A;
constexpr std::uint32_t kPersistent = 2;

constexpr std::uint32_t kFillWord = 0xF177F177;
// More than any real packet, and little enough to hold.
constexpr std::uint32_t kMostFillWords = 0x10000;

std::vector<std::uint32_t> reply_words(std::uint32_t request_type, std::uint32_t error) {
  return {kSinglePacket, kTypeResponse << 24U | kVendorMessage, kPrcTask, request_type, error};
}

}  // namespace

bool Fsp::listening() const {
  const FaultSetting* const silent = context_.faults.find(Fault::no_reply);
  const bool stuck = silent != nullptr && silent->word == "stuck";
  return boot_.running() && !stuck;
}

std::optional<FspReply> Fsp::accept(std::span<const std::uint32_t> message) {
  const Answer answer = execute(message);
  if (context_.faults.on(Fault::no_reply)) return std::nullopt;
  const std::uint32_t type = message.size() > 1 ? message[1] >> 24U : 0;
  FspReply reply{.words = reply_words(type, answer.error), .delay = context_.delays.reply};
  if (answer.value) reply.words.push_back(*answer.value);
  corrupt(reply.words);
  reply.delay += std::chrono::milliseconds(context_.faults.number(Fault::late_reply, 0));
  return reply;
}

Fsp::Answer Fsp::malformed(const char* what) {
  context_.protocol_error(fmt::format("FSP message: {}", what));
  return {.error = fsp_error::kMalformed, .value = {}};
}

Fsp::Answer Fsp::execute(std::span<const std::uint32_t> message) {
  if (message.size() < 3) return malformed("fewer than 3 words");
  if (message[0] != kSinglePacket) return malformed("the transport header is not that of a single packet");
  if ((message[1] & 0x00FFFFFF) != kVendorMessage) return malformed("not an NVIDIA vendor message");
  if (message[1] >> 24U != kTypePrc) {
    context_.protocol_error("FSP message: unknown type");
    return {.error = fsp_error::kUnknownCommand, .value = {}};
  }
  const std::uint32_t command = message[2] & 0xFF;
  const std::uint32_t flags = message[2] >> 8U & 0xFF;
  const unsigned argument = message[2] >> 16U;
  const auto arguments = message.subspan(3);
  switch (command) {
    case kCommandReadKnob:
    case kCommandWriteKnob:
      if (flags != kPersistent) return malformed("knob command without the persistent flag");
      return command == kCommandReadKnob ? read_knob(argument, arguments) : write_knob(argument, arguments);
    case kCommandEcc:
    case kCommandCoupleReset:
    case kCommandBlockNvlink:
      return {};  // accepted; their effect is outside this model
    default:
      context_.protocol_error(fmt::format("FSP message: unknown command {:#x}", command));
      return {.error = fsp_error::kUnknownCommand, .value = {}};
  }
}

Fsp::Answer Fsp::read_knob(unsigned id, std::span<const std::uint32_t> arguments) {
  if (!arguments.empty()) return malformed("knob read with further words");
  ++context_.counters.knob_reads;
  if (const auto error = refusal(id, false)) return {.error = *error, .value = {}};
  const std::uint32_t garbage = context_.faults.on(Fault::dirty_reply) ? 0xA5C30000U : 0U;
  return {.error = 0, .value = garbage | knobs_.get(id)};
}

Fsp::Answer Fsp::write_knob(unsigned id, std::span<const std::uint32_t> arguments) {
  if (arguments.size() != 1) return malformed("knob write without exactly one value");
  if (arguments[0] > 0xFFFF) return malformed("knob value of more than 16 bits");
  ++context_.counters.knob_writes;
  if (const auto error = refusal(id, true)) return {.error = *error, .value = {}};
  if (context_.faults.on(Fault::not_stored, id)) return {};
  knobs_.set(id, static_cast<std::uint16_t>(arguments[0]));
  context_.emit("knob-written", {{"knob", std::to_string(id)}, {"value", std::to_string(arguments[0])}});
  return {};
}

std::optional<std::uint32_t> Fsp::refusal(unsigned knob, bool write) const {
  const Faults& faults = context_.faults;
  if (const FaultSetting* const error = faults.find(Fault::fsp_error);
      error != nullptr && (!error->knob || *error->knob == knob) &&
      (error->word.empty() || error->word == (write ? "write" : "read"))) {
    return error->number;
  }
  if (!KnobStore::known(knob)) return fsp_error::kUnknownKnob;
  if ((knob == knob::kPpcie || knob == knob::kPpciePermission) && faults.on(Fault::ppcie_unknown)) {
    return fsp_error::kUnknownKnob;
  }
  if (write && (faults.on(Fault::permission_denied, knob) || !knobs_.host_may_write(knob))) {
    return fsp_error::kPermissionDenied;
  }
  return std::nullopt;
}

void Fsp::corrupt(std::vector<std::uint32_t>& reply) const {
  const Faults& faults = context_.faults;
  if (faults.on(Fault::wrong_reply_type)) reply[1] = kTypePrc << 24U | kVendorMessage;
  if (faults.on(Fault::wrong_echo)) reply[3] = kTypeResponse;
  const std::size_t missing = faults.number(Fault::short_reply, 0);
  reply.resize(reply.size() - std::min(missing, reply.size()));
  const std::size_t extra = std::min(faults.number(Fault::oversized_reply, 0), kMostFillWords);
  reply.resize(reply.size() + extra, kFillWord);
}

std::vector<std::uint32_t> stale_reply() {
  auto words = reply_words(kTypePrc, 0);
  words.push_back(1);
  return words;
}

}  // namespace emulator
