#include "emem_mailbox.h"

#include <fmt/format.h>

#include <utility>

namespace emulator {
namespace {

constexpr std::uint32_t kWindows = 0x8F2AC0;
constexpr std::uint32_t kWindowsEnd = kWindows + 8 * 8;
constexpr std::uint32_t kCommandQueues = 0x8F2C00;
constexpr std::uint32_t kMessageQueues = 0x8F2C80;
constexpr std::uint32_t kQueuesBytes = 8 * 8;
constexpr std::uint32_t kStepOnWrite = 1U << 24U;
constexpr std::uint32_t kStepOnRead = 1U << 25U;
constexpr std::uint32_t kWindowOffset = 0x00FFFFFF;
constexpr std::uint32_t kCcChannel = 2;
// Three such steps are less than the 2 ms within which a host may expect a reply's every part.
constexpr std::chrono::microseconds kLongestEmemStep{500};

bool within(std::uint32_t offset, std::uint32_t base, std::uint32_t bytes) {
  return offset >= base && offset - base < bytes;
}

}  // namespace

EmemMailbox::Channel::Channel(Context& context)
    : taking(context, kLongestEmemStep), replying(context, kLongestEmemStep) {}

EmemMailbox::EmemMailbox(Context& context, Fsp& fsp)
    : context_(context), fsp_(fsp), channels_(kChannels, Channel(context)) {}

bool EmemMailbox::owns(std::uint32_t offset) const {
  return within(offset, kWindows, kWindowsEnd - kWindows) || within(offset, kCommandQueues, kQueuesBytes) ||
         within(offset, kMessageQueues, kQueuesBytes);
}

std::uint32_t* EmemMailbox::queue_register(std::uint32_t offset) {
  const bool is_message = within(offset, kMessageQueues, kQueuesBytes);
  const std::uint32_t relative = offset - (is_message ? kMessageQueues : kCommandQueues);
  Channel& channel = channels_[relative / 8];
  Queue& queue = is_message ? channel.messages : channel.commands;
  return relative % 8 == 0 ? &queue.head : &queue.tail;
}

std::uint32_t EmemMailbox::read(std::uint32_t offset) {
  return offset < kWindowsEnd ? read_window(offset) : *queue_register(offset);
}

void EmemMailbox::write(std::uint32_t offset, std::uint32_t value) {
  if (offset < kWindowsEnd) {
    write_window(offset, value);
    return;
  }
  *queue_register(offset) = value;
  const bool is_command_head = within(offset, kCommandQueues, kQueuesBytes) && offset % 8 == 0;
  if (is_command_head) ring((offset - kCommandQueues) / 8);
}

std::uint32_t EmemMailbox::read_window(std::uint32_t offset) {
  Window& window = windows_[(offset - kWindows) / 8];
  if (offset % 8 == 0) {
    return window.offset | (window.step_on_write ? kStepOnWrite : 0) |
           (window.step_on_read ? kStepOnRead : 0);
  }
  const std::uint32_t value = window.offset < kBytes ? memory_[window.offset / 4] : 0;
  if (window.offset >= kBytes) context_.protocol_error(fmt::format("EMEM read at {:#x}", window.offset));
  if (window.step_on_read) window.offset = (window.offset + 4) & kWindowOffset;
  return value;
}

void EmemMailbox::write_window(std::uint32_t offset, std::uint32_t value) {
  Window& window = windows_[(offset - kWindows) / 8];
  if (offset % 8 == 0) {
    window = {.offset = value & kWindowOffset & ~3U,
              .step_on_write = (value & kStepOnWrite) != 0,
              .step_on_read = (value & kStepOnRead) != 0};
    return;
  }
  if (window.offset < kBytes) {
    memory_[window.offset / 4] = value;
  } else {
    context_.protocol_error(fmt::format("EMEM write at {:#x}", window.offset));
  }
  if (window.step_on_write) window.offset = (window.offset + 4) & kWindowOffset;
}

void EmemMailbox::ring(std::uint32_t index) {
  Channel& channel = channels_[index];
  Queue& commands = channel.commands;
  if (commands.empty()) return;
  if (!fsp_.listening()) {
    context_.protocol_error("command while the firmware does not listen");
    return;
  }
  if (!channel.taking.idle() || !channel.replying.idle() || !channel.messages.empty()) {
    context_.protocol_error(fmt::format("command on channel {} before the last reply was taken", index));
  }
  channel.taking.add(0, context_.clock.now(), [this, index] { return take_command(index); });
  channel.taking.advance();
}

bool EmemMailbox::take_command(std::uint32_t index) {
  Queue& commands = channels_[index].commands;
  if (commands.empty()) return true;  // the host took it back
  if (!fsp_.listening()) return false;
  const std::uint32_t base = index * kChannelBytes;
  const bool valid = commands.head % 4 == 0 && commands.tail % 4 == 0 && commands.head < commands.tail &&
                     commands.head >= base && commands.tail < base + kChannelBytes;
  if (!valid) {
    context_.protocol_error(
        fmt::format("command queue {} from {:#x} to {:#x}", index, commands.head, commands.tail));
    commands.head = commands.tail;
    return true;
  }
  const std::vector<std::uint32_t> message(memory_.begin() + commands.head / 4,
                                           memory_.begin() + commands.tail / 4 + 1);
  commands.head = commands.tail;
  if (auto answer = fsp_.accept(message)) reply(index, std::move(*answer));
  return true;
}

// Head and tail are two registers, and whoever looks in between finds one old and one new.
void EmemMailbox::reply(std::uint32_t index, FspReply reply) {
  FirmwareSteps& steps = channels_[index].replying;
  const Duration due = channels_[index].taking.last() + reply.delay;
  const auto set = [this, index](const Queue& queue, bool tail) {
    Queue& messages = channels_[index].messages;
    (tail ? messages.tail : messages.head) = tail ? queue.tail : queue.head;
  };
  const bool tail_first = context_.faults.on(Fault::tail_first);
  steps.add(1, due, [this, index, set, tail_first, words = std::move(reply.words)] {
    if (!channels_[index].messages.empty()) return false;
    const Queue queue = store(index, words);
    set(queue, tail_first);
    channels_[index].next = queue;
    return true;
  });
  steps.add(2, due, [this, index, set, tail_first] {
    set(channels_[index].next, !tail_first);
    return true;
  });
  steps.follow(channels_[index].taking);
}

void EmemMailbox::advance() {
  for (Channel& channel : channels_) {
    channel.taking.advance();
    channel.replying.advance();
  }
}

EmemMailbox::Queue EmemMailbox::store(std::uint32_t index, const std::vector<std::uint32_t>& words) {
  const std::uint32_t base = index * kChannelBytes;
  std::uint32_t offset = base;
  for (const std::uint32_t word : words) {
    if (offset < kBytes) memory_[offset / 4] = word;
    offset += 4;
  }
  // An empty or one-word reply cannot be expressed: the queue stays empty.
  return {.head = base, .tail = words.empty() ? base : offset - 4};
}

void EmemMailbox::reset() {
  memory_.fill(0);
  windows_ = {};
  for (Channel& channel : channels_) {
    channel.commands = {};
    channel.messages = {};
    channel.taking.clear();
    channel.replying.clear();
  }
}

void EmemMailbox::plant(Stale what) {
  constexpr std::uint32_t kBase = kCcChannel * kChannelBytes;
  if (what == Stale::message) {
    channels_[kCcChannel].messages = store(kCcChannel, stale_reply());
  } else {
    channels_[kCcChannel].commands = {.head = kBase, .tail = kBase + 8};
  }
}

}  // namespace emulator
