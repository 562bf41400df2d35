#include "boot_sequence.h"

namespace emulator {
namespace {

// Hosts look at a booting device every few milliseconds.
constexpr std::chrono::milliseconds kLongestBootStep{100};

}  // namespace

BootSequence::BootSequence(Context& context) : context_(context), steps_(context, kLongestBootStep) {}

void BootSequence::restart() {
  reset_at_ = context_.clock.now();
  answers_at_ = context_.clock.now() + context_.delays.reset;
  boots_at_ = answers_at_ + context_.delays.boot;
  complete_ = false;
  stage_ = Stage::none;
  steps_.clear();
  std::size_t gap = 0;
  for (const Stage stage : {Stage::registers, Stage::mode, Stage::complete}) {
    steps_.add(gap++, stage == Stage::registers ? answers_at_ : boots_at_, [this, stage] {
      stage_ = stage;
      return true;
    });
  }
}

void BootSequence::finish() {
  reset_at_.reset();
  complete_ = true;
}

bool BootSequence::advance() {
  steps_.advance();
  if (complete_ || phase() != BootPhase::running) return false;
  complete_ = true;
  return true;
}

// Time alone decides, unless the steps are spread over accesses.
bool BootSequence::has_reached(Stage stage) const {
  return complete_ || stage_ >= stage || !context_.faults.on(Fault::firmware_steps);
}

bool BootSequence::has_mode() const {
  return phase_by_time() == BootPhase::running && has_reached(Stage::mode);
}

BootPhase BootSequence::phase() const {
  const auto phase = phase_by_time();
  return phase == BootPhase::running && !has_reached(Stage::complete) ? BootPhase::booting : phase;
}

BootPhase BootSequence::phase_by_time() const {
  if (complete_) return BootPhase::running;
  const Duration now = context_.clock.now();
  if (now < answers_at_) return BootPhase::unreachable;
  if (now < boots_at_ || context_.faults.on(Fault::boot_never)) return BootPhase::booting;
  return BootPhase::running;
}

bool BootSequence::firewall_closed() const {
  if (!context_.profile.is_blackwell) return false;
  if (context_.faults.on(Fault::firewall_stuck)) return true;
  if (!reset_at_) return false;
  const auto delay = std::chrono::milliseconds(context_.faults.number(Fault::firewall_delay, 0));
  return context_.clock.now() < *reset_at_ + delay;
}

}  // namespace emulator
