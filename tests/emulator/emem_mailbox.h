// Mailbox through the firmware's external memory (Hopper, LS10): 8 KiB behind 8 windows, and 8 channels, each
// with a command and a message queue and 1 KiB of that memory.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "firmware_steps.h"
#include "fsp.h"
#include "mailbox.h"

namespace emulator {

class EmemMailbox final : public Mailbox {
 public:
  EmemMailbox(Context& context, Fsp& fsp);

  bool owns(std::uint32_t offset) const override;
  std::uint32_t read(std::uint32_t offset) override;
  void write(std::uint32_t offset, std::uint32_t value) override;
  void advance() override;
  void reset() override;
  void plant(Stale what) override;

 private:
  static constexpr std::uint32_t kChannels = 8;
  static constexpr std::uint32_t kChannelBytes = 0x400;
  static constexpr std::uint32_t kBytes = kChannels * kChannelBytes;

  struct Window {
    std::uint32_t offset = 0;  // bytes
    bool step_on_write = false;
    bool step_on_read = false;
  };
  // Byte offsets in the memory; the tail is the last word's, so equal head and tail mean empty.
  struct Queue {
    std::uint32_t head = 0;
    std::uint32_t tail = 0;
    bool empty() const { return head == tail; }
  };
  struct Channel {
    explicit Channel(Context& context);
    Queue commands;
    Queue messages;
    Queue next;  // of messages, while only one half of it is set
    FirmwareSteps taking;
    FirmwareSteps replying;
  };

  std::uint32_t* queue_register(std::uint32_t offset);
  std::uint32_t read_window(std::uint32_t offset);
  void write_window(std::uint32_t offset, std::uint32_t value);
  void ring(std::uint32_t channel);
  bool take_command(std::uint32_t channel);
  void reply(std::uint32_t channel, FspReply reply);
  // Puts it into the memory; what the queue is to become.
  Queue store(std::uint32_t channel, const std::vector<std::uint32_t>& words);

  Context& context_;
  Fsp& fsp_;
  std::array<std::uint32_t, kBytes / 4> memory_{};
  std::array<Window, 8> windows_{};
  std::vector<Channel> channels_;
};

}  // namespace emulator
