// One connection's conversation: messages in, replies out; no socket.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "codec.h"
#include "dma_table.h"
#include "interrupts.h"
#include "tests/emulator/device.h"

namespace emulator::vfio_user {

struct Outcome {
  Bytes reply;          // empty: nothing to send
  bool close = false;   // the connection must end after the reply was sent
  std::string problem;  // why it must end
};

// The device outlives the session and keeps its state when the session ends.
class Session {
 public:
  explicit Session(Device& device) : device_(device) {}

  Outcome handle(Message message);

  const Interrupts& interrupts() const { return interrupts_; }
  const DmaTable& dma() const { return dma_; }

 private:
  using Result = std::expected<Bytes, int>;  // the reply's payload, or an errno value

  Outcome start(const Message& message);
  Result dispatch(Message& message);
  Result map_dma(const Bytes& payload);
  Result unmap_dma(const Bytes& payload);
  Result device_info(const Bytes& payload) const;
  Result region_info(const Bytes& payload) const;
  Result region_io_fds(const Bytes& payload) const;
  Result interrupt_info(const Bytes& payload) const;
  Result set_interrupts(Message& message);
  Result read(const Bytes& payload);
  Result write(const Bytes& payload);
  Result write_multi(const Bytes& payload);

  Device& device_;
  DmaTable dma_;
  Interrupts interrupts_;
  bool started_ = false;
  bool write_multi_ = false;
};

}  // namespace emulator::vfio_user
