#include "firmware_steps.h"

#include <algorithm>
#include <utility>

namespace emulator {

void FirmwareSteps::add(std::size_t gap, Duration due, Step step) {
  if (steps_.empty()) restart();
  steps_.push_back({.gap = gap, .due = due, .step = std::move(step)});
}

void FirmwareSteps::restart() {
  accesses_before_ = context_.counters.register_accesses;
  since_ = context_.clock.now();
}

bool FirmwareSteps::has_turn(const Pending& pending) const {
  const FaultSetting* const spread = context_.faults.find(Fault::firmware_steps);
  if (spread == nullptr) return true;
  const auto& gaps = spread->gaps;
  const std::uint32_t gap = gaps[std::min(pending.gap, gaps.size() - 1)];
  return context_.counters.register_accesses - accesses_before_ >= gap ||
         context_.clock.now() >= std::max(since_, pending.due) + longest_;
}

void FirmwareSteps::advance() {
  while (!steps_.empty()) {
    if (steps_.front().due > context_.clock.now()) {
      restart();
      return;
    }
    if (!has_turn(steps_.front()) || !steps_.front().step()) return;
    steps_.pop_front();
    ++context_.counters.firmware_steps;
    restart();
  }
}

}  // namespace emulator
