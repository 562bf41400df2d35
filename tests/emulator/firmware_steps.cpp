#include "firmware_steps.h"

#include <algorithm>
#include <utility>

namespace emulator {

void FirmwareSteps::add(std::size_t gap, Duration due, Step step) {
  if (steps_.empty()) restart(context_.clock.now());
  steps_.push_back({.gap = gap, .due = due, .step = std::move(step)});
}

void FirmwareSteps::restart(Duration since) {
  accesses_before_ = context_.counters.register_accesses;
  since_ = since;
}

bool FirmwareSteps::has_turn(const Pending& pending) const {
  const FaultSetting* const spread = context_.faults.find(Fault::firmware_steps);
  if (spread == nullptr) return true;
  const auto& gaps = spread->gaps;
  const std::uint32_t gap = gaps[std::min(pending.gap, gaps.size() - 1)];
  return context_.counters.register_accesses - accesses_before_ >= gap ||
         context_.clock.now() >= latest(pending);
}

Duration FirmwareSteps::latest(const Pending& pending) const {
  return std::max(since_, pending.due) + longest_;
}

void FirmwareSteps::advance() {
  while (!steps_.empty()) {
    const Duration now = context_.clock.now();
    if (steps_.front().due > now) {
      restart(now);
      return;
    }
    if (!has_turn(steps_.front())) return;
    // While the host slept, it was done at its time and not when the host woke.
    restart(std::min(now, latest(steps_.front())));
    if (!steps_.front().step()) {
      restart(now);
      return;
    }
    steps_.pop_front();
    ++context_.counters.firmware_steps;
  }
}

}  // namespace emulator
