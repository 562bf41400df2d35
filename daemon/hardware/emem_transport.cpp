#include "daemon/hardware/emem_transport.h"

#include <fmt/format.h>

#include <optional>

#include "daemon/hardware/mailbox_timing.h"
#include "daemon/hardware/registers.h"

namespace nvccd {
namespace {

constexpr std::uint32_t channel = 2;
constexpr std::uint32_t channel_base = 0x800;  // byte offset of the channel's buffer in external memory
constexpr std::uint32_t channel_size = 0x400;  // bytes

constexpr std::uint32_t emem_control = 0x8f2ac0 + 8 * channel;
constexpr std::uint32_t emem_data = 0x8f2ac4 + 8 * channel;
constexpr std::uint32_t command_head = 0x8f2c00 + 8 * channel;
constexpr std::uint32_t command_tail = 0x8f2c04 + 8 * channel;
constexpr std::uint32_t message_head = 0x8f2c80 + 8 * channel;
constexpr std::uint32_t message_tail = 0x8f2c84 + 8 * channel;

// Start at the channel's base and step by a word on each access, in both directions.
constexpr std::uint32_t from_channel_base = 1U << 25 | 1U << 24 | channel_base;

Error no_reply(std::string cause) {
  return Error{.kind = ErrorKind::hardware_failed,
               .cause = std::move(cause),
               .advice = "if it stays so, the firmware is stuck: reset or power-cycle the device",
               .transient = true};
}

}  // namespace

bool EmemTransport::Queue::makes_sense() const {
  return tail > head && tail - head < channel_size;
}

Result<std::uint32_t> EmemTransport::read_pointer(std::uint32_t offset) {
  const auto value = registers_.read(offset);
  if (value && is_unreadable(*value))
    return std::unexpected(
        Error{.kind = ErrorKind::hardware_failed,
              .cause = fmt::format("mailbox register {:#x} is not readable ({:#010x})", offset, *value),
              .transient = true});
  return value;
}

Result<EmemTransport::Queue> EmemTransport::command_queue() {
  const auto head = read_pointer(command_head);
  if (!head) return std::unexpected(head.error());
  const auto tail = read_pointer(command_tail);
  if (!tail) return std::unexpected(tail.error());
  return Queue{*head, *tail};
}

Result<EmemTransport::Queue> EmemTransport::message_queue() {
  const auto head = read_pointer(message_head);
  if (!head) return std::unexpected(head.error());
  const auto tail = read_pointer(message_tail);
  if (!tail) return std::unexpected(tail.error());
  return Queue{*head, *tail};
}

Result<bool> EmemTransport::has_message() {
  const auto messages = message_queue();
  if (!messages) return std::unexpected(messages.error());
  return !messages->empty();
}

Result<> EmemTransport::acknowledge(const Queue& messages) {
  return registers_.write(message_tail, messages.head);
}

// False: the firmware did not take the command that lies in the queue.
Result<bool> EmemTransport::wait_until_command_taken() {
  const Deadline deadline(clock_, mailbox_timing::command_limit);
  for (unsigned look = 0;; ++look) {
    const auto commands = command_queue();
    if (!commands) return std::unexpected(commands.error());
    if (commands->empty()) return true;
    if (!deadline.sleep(mailbox_timing::pause(look))) return false;
  }
}

Result<> EmemTransport::drain() {
  const auto taken = wait_until_command_taken();
  if (!taken) return std::unexpected(taken.error());
  if (!*taken) {
    // The firmware ignores what lies there. Tail before head: the write of the head is the doorbell.
    if (auto written = registers_.write(command_tail, channel_base); !written) return written;
    if (auto written = registers_.write(command_head, channel_base); !written) return written;
  }
  // Again until it is seen to be empty: what was acknowledged may have been a pair that made no sense.
  const Deadline deadline(clock_, mailbox_timing::halfway_limit);
  for (unsigned look = 0;; ++look) {
    const auto messages = message_queue();
    if (!messages) return std::unexpected(messages.error());
    if (messages->empty()) return {};
    if (auto written = acknowledge(*messages); !written) return written;
    if (look > 0 && !deadline.sleep(mailbox_timing::pause(look)))
      return std::unexpected(no_reply("the firmware's reply queue does not become empty"));
  }
}

Result<> EmemTransport::send(std::span<const std::uint32_t> packet) {
  const auto taken = wait_until_command_taken();
  if (!taken) return std::unexpected(taken.error());
  if (!*taken) return std::unexpected(no_reply("the firmware does not take commands from its mailbox"));

  if (auto written = registers_.write(emem_control, from_channel_base); !written) return written;
  for (const std::uint32_t word : packet)
    if (auto written = registers_.write(emem_data, word); !written) return written;
  // The tail points at the last word, not behind it. The head goes last: it is the doorbell.
  const auto last_word = channel_base + 4 * static_cast<std::uint32_t>(packet.size() - 1);
  if (auto written = registers_.write(command_tail, last_word); !written) return written;
  return registers_.write(command_head, channel_base);
}

// A pair of pointers that makes no sense is none until it has stayed so.
Result<EmemTransport::Queue> EmemTransport::wait_for_message() {
  const Deadline deadline(clock_, mailbox_timing::reply_limit);
  std::optional<Deadline> sense;
  clock_.sleep(mailbox_timing::before_first_look);
  for (unsigned look = 0;; ++look) {
    const auto messages = message_queue();
    if (!messages || messages->makes_sense()) return messages;
    if (messages->empty())
      sense.reset();
    else if (!sense)
      sense.emplace(clock_, mailbox_timing::halfway_limit);
    if (sense && sense->passed()) {
      // Nothing is read, but the queue becomes empty again.
      if (auto written = acknowledge(*messages); !written) return std::unexpected(written.error());
      return std::unexpected(
          Error{.kind = ErrorKind::hardware_failed,
                .cause = fmt::format("the firmware's reply queue makes no sense (head {:#x}, tail {:#x})",
                                     messages->head, messages->tail),
                .transient = true});
    }
    if (!deadline.sleep(mailbox_timing::pause(look)))
      return std::unexpected(no_reply("the firmware did not reply to a request within 5 s"));
  }
}

Result<Words> EmemTransport::receive() {
  const auto messages = wait_for_message();
  if (!messages) return std::unexpected(messages.error());
  const std::uint32_t word_count = (messages->tail - messages->head) / 4 + 1;
  // The firmware places every reply at the channel's base, whatever the head says.
  if (auto written = registers_.write(emem_control, from_channel_base); !written)
    return std::unexpected(written.error());
  Words words;
  words.reserve(word_count);
  for (std::uint32_t i = 0; i < word_count; ++i) {
    const auto word = registers_.read(emem_data);
    if (!word) return std::unexpected(word.error());
    words.push_back(*word);
  }
  if (auto written = acknowledge(*messages); !written) return std::unexpected(written.error());
  return words;
}

}  // namespace nvccd
