// The firmware behind the mailboxes: takes a message, gives a reply.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "boot_sequence.h"
#include "context.h"
#include "knobs.h"

namespace emulator {

namespace fsp_error {
inline constexpr std::uint32_t kUnknownKnob = 0x1E3;  // known from real firmware
// The rest is this emulator's own choice: real codes are not published.
inline constexpr std::uint32_t kMalformed = 0x1E1;
inline constexpr std::uint32_t kUnknownCommand = 0x1E2;
inline constexpr std::uint32_t kPermissionDenied = 0x1E4;
}  // namespace fsp_error

struct FspReply {
  std::vector<std::uint32_t> words;
  Duration delay{};  // from the taking of the message
};

class Fsp {
 public:
  Fsp(Context& context, const BootSequence& boot, KnobStore& knobs)
      : context_(context), boot_(boot), knobs_(knobs) {}

  // False: a message stays where the host put it.
  bool listening() const;
  // nullopt: the message is swallowed.
  std::optional<FspReply> accept(std::span<const std::uint32_t> message);

 private:
  struct Answer {
    std::uint32_t error = 0;
    std::optional<std::uint32_t> value;
  };

  Answer execute(std::span<const std::uint32_t> message);
  Answer read_knob(unsigned id, std::span<const std::uint32_t> arguments);
  Answer write_knob(unsigned id, std::span<const std::uint32_t> arguments);
  std::optional<std::uint32_t> refusal(unsigned knob, bool write) const;
  Answer malformed(const char* what);
  void corrupt(std::vector<std::uint32_t>& reply) const;

  Context& context_;
  const BootSequence& boot_;
  KnobStore& knobs_;
};

// The reply a killed host left behind: knob read, value 1.
std::vector<std::uint32_t> stale_reply();

}  // namespace emulator
