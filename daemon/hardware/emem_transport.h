// The mailbox of Hopper GPUs and LS10 switches: queues in the security processor's external memory,
// channel 2. Facts: NVIDIA's gpu-admin-tools, see docs/hardware.md.
#pragma once

#include "daemon/hardware/fsp_transport.h"

namespace nvccd {

class EmemTransport final : public FspTransport {
 public:
  EmemTransport(RegisterWindow& registers, Clock& clock) : registers_(registers), clock_(clock) {}

  Result<> drain() override;
  Result<bool> has_message() override;
  Result<> send(std::span<const std::uint32_t> packet) override;
  Result<Words> receive() override;

 private:
  struct Queue {
    std::uint32_t head, tail;
    bool empty() const { return head == tail; }
    // Whether the queue has a message in it. Head and tail are two registers: while the firmware sets them,
    // or when it does so between our reads of the two, the pair stands for neither a message nor an empty
    // queue.
    bool makes_sense() const;
  };

  Result<std::uint32_t> read_pointer(std::uint32_t offset);
  Result<Queue> command_queue();
  Result<Queue> message_queue();
  Result<bool> wait_until_command_taken();
  Result<> acknowledge(const Queue& messages);
  Result<Queue> wait_for_message();

  RegisterWindow& registers_;
  Clock& clock_;
};

}  // namespace nvccd
