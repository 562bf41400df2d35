// Carries packets to the firmware security processor and its replies back.
#pragma once

#include <memory>

#include "common/base/clock.h"
#include "daemon/hardware/chip.h"
#include "daemon/hardware/fsp_packet.h"

namespace nvccd {

// One request at a time. Whoever holds the device's access has the channel to itself.
class FspTransport {
 public:
  virtual ~FspTransport() = default;

  // Throws away what a predecessor left: queued commands, and replies that nobody fetched.
  virtual Result<> drain() = 0;

  // True when a reply waits that no request of ours asked for.
  virtual Result<bool> has_message() = 0;

  virtual Result<> send(std::span<const std::uint32_t> packet) = 0;
  virtual Result<Words> receive() = 0;
};

std::unique_ptr<FspTransport> make_transport(Mailbox mailbox, RegisterWindow& registers, Clock& clock);

}  // namespace nvccd
