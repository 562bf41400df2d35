#include "boot_sequence.h"

namespace emulator {

void BootSequence::restart() {
  reset_at_ = context_.clock.now();
  answers_at_ = context_.clock.now() + context_.delays.reset;
  boots_at_ = answers_at_ + context_.delays.boot;
  complete_ = false;
}

void BootSequence::finish() {
  reset_at_.reset();
  complete_ = true;
}

bool BootSequence::advance() {
  if (complete_ || phase() != BootPhase::running) return false;
  complete_ = true;
  return true;
}

BootPhase BootSequence::phase() const {
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
