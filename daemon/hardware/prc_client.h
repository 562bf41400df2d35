// Reads and writes knobs through the firmware security processor.
#pragma once

#include <memory>

#include "daemon/hardware/fsp_transport.h"
#include "daemon/hardware/knobs.h"

namespace nvccd {

class PrcClient {
 public:
  PrcClient(std::unique_ptr<FspTransport> transport, Clock& clock)
      : transport_(std::move(transport)), clock_(clock) {}

  // The stored value, which need not be latched yet. nullopt: this firmware does not know the knob.
  Result<std::optional<std::uint16_t>> read(Knob knob);

  // Writes and reads back.
  Result<> write(Knob knob, std::uint16_t value);

 private:
  // Replies carry no request number. To be sure that a reply is ours, nothing may be under way before a
  // request: a predecessor that was killed in mid-request can leave a reply, and so can a request of our own
  // that took too long.
  Result<> synchronise();
  Result<> await_late_reply();
  Result<FspReply> exchange(std::span<const std::uint32_t> payload);

  std::unique_ptr<FspTransport> transport_;
  Clock& clock_;
  bool synchronised_ = false;
  bool unanswered_ = false;  // the reply to our last request did not come in time
};

}  // namespace nvccd
