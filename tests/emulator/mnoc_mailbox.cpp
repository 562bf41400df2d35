#include "mnoc_mailbox.h"

#include <fmt/format.h>

#include <utility>

namespace emulator {
namespace {

constexpr std::uint32_t kSendInfo = 0x8F1F04;
constexpr std::uint32_t kSendData = 0x8F1F08;
constexpr std::uint32_t kReceiveInfo = 0x8F1F84;
constexpr std::uint32_t kReceiveData = 0x8F1F88;

constexpr std::uint32_t kSize = 0x000FFFFF;
constexpr std::uint32_t kTrigger = 1U << 20U;
constexpr std::uint32_t kReady = 1U << 24U;
constexpr std::uint32_t kError = 1U << 25U;
constexpr std::uint32_t kCredit = 1U << 26U;

constexpr std::chrono::microseconds kLongestMnocStep{500};

}  // namespace

MnocMailbox::MnocMailbox(Context& context, Fsp& fsp)
    : context_(context),
      fsp_(fsp),
      receiving_(context, kLongestMnocStep),
      replying_(context, kLongestMnocStep),
      fetched_(context, kLongestMnocStep) {}

bool MnocMailbox::owns(std::uint32_t offset) const {
  return offset == kSendInfo || offset == kSendData || offset == kReceiveInfo || offset == kReceiveData;
}

std::uint32_t MnocMailbox::read(std::uint32_t offset) {
  switch (offset) {
    case kSendInfo:
      return send_info();
    case kSendData:
      return pop();
    case kReceiveInfo:
      return receive_info();
    default:
      return 0;
  }
}

void MnocMailbox::write(std::uint32_t offset, std::uint32_t value) {
  if (offset == kReceiveInfo && (value & kTrigger) != 0) announce(value & kSize);
  if (offset == kReceiveData) push(value);
}

bool MnocMailbox::shows_error(std::string_view direction) const {
  const FaultSetting* const fault = context_.faults.find(Fault::mnoc_error);
  return fault != nullptr && (fault->word == "1" || fault->word == direction);
}

std::uint32_t MnocMailbox::send_info() {
  const std::uint32_t error = shows_error("send") ? kError : 0;
  looked_ = !sending_.empty();
  if (!looked_) return error;
  return error | kReady | (static_cast<std::uint32_t>(sending_.size() * 4) & kSize);
}

std::uint32_t MnocMailbox::receive_info() const {
  const Faults& faults = context_.faults;
  std::uint32_t info = announced_words_ * 4;
  if (receive_error_ || shows_error("receive")) info |= kError;
  const bool idle = announced_words_ == 0;
  if (fsp_.listening() && idle && !faults.on(Fault::mnoc_not_ready)) info |= kReady;
  if (fsp_.listening() && (idle || room_) && !faults.on(Fault::mnoc_no_credit)) info |= kCredit;
  return info;
}

std::uint32_t MnocMailbox::pop() {
  // The firmware may have seen meanwhile that all was fetched, or not have seen it yet.
  const bool told = std::exchange(looked_, false);
  if (sending_.empty() || sent_ == sending_.size()) {
    if (!told) context_.protocol_error("MNOC: read of a reply that is not there");
    return 0;
  }
  const std::uint32_t word = sending_[sent_++];
  if (sent_ == sending_.size()) {
    fetched_.add(3, context_.clock.now(), [this] {
      sending_.clear();
      sent_ = 0;
      return true;
    });
    fetched_.advance();
  }
  return word;
}

void MnocMailbox::announce(std::uint32_t bytes) {
  if ((receive_info() & kReady) == 0) {
    context_.protocol_error("MNOC: message announced while not ready");
    return;
  }
  if (bytes == 0 || bytes % 4 != 0 || bytes > kMostBytes) {
    context_.protocol_error(fmt::format("MNOC: message of {} bytes announced", bytes));
    receive_error_ = true;
    return;
  }
  if (!replying_.idle() || !sending_.empty()) {
    context_.protocol_error("MNOC: message announced before the last reply was taken");
  }
  announced_words_ = bytes / 4;
  received_.clear();
  room_ = false;
  receiving_.add(0, context_.clock.now(), [this] { return room_ = true; });
  receiving_.advance();
}

void MnocMailbox::push(std::uint32_t word) {
  if (announced_words_ == received_.size() || !fsp_.listening()) {
    context_.protocol_error("MNOC: data without a message");
    return;
  }
  if (!room_ || context_.faults.on(Fault::mnoc_no_credit)) {
    context_.protocol_error("MNOC: data without credit");
    return;
  }
  received_.push_back(word);
  if (received_.size() < announced_words_) return;
  receiving_.add(1, context_.clock.now(), [this] { return take_request(); });
  receiving_.advance();
}

bool MnocMailbox::take_request() {
  if (!fsp_.listening()) return false;
  announced_words_ = 0;
  auto reply = fsp_.accept(std::exchange(received_, {}));
  if (!reply) return true;
  replying_.add(2, receiving_.last() + reply->delay, [this, words = std::move(reply->words)] {
    if (!sending_.empty()) return false;
    sending_ = words;
    return true;
  });
  replying_.follow(receiving_);
  return true;
}

void MnocMailbox::advance() {
  receiving_.advance();
  fetched_.advance();
  replying_.advance();
}

void MnocMailbox::reset() {
  announced_words_ = 0;
  received_.clear();
  receive_error_ = false;
  room_ = false;
  receiving_.clear();
  replying_.clear();
  fetched_.clear();
  sending_.clear();
  sent_ = 0;
  looked_ = false;
}

void MnocMailbox::plant(Stale what) {
  if (what == Stale::message) {
    sending_ = stale_reply();
    sent_ = 0;
  } else {
    announced_words_ = 3;
    received_.clear();
    room_ = true;
  }
}

}  // namespace emulator
