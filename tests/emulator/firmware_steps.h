// What the firmware does by itself, beside the host: one step after the other. It does them at once, unless
// the fault "firmware-steps" spreads them over the host's accesses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>

#include "context.h"

namespace emulator {

class FirmwareSteps {
 public:
  // Does what it can; false: that is not possible yet.
  using Step = std::function<bool()>;

  // Spread over accesses, a step still comes at most `longest` after the one before, so that a host that
  // sleeps meets no firmware slower than real ones.
  FirmwareSteps(Context& context, Duration longest) : context_(context), longest_(longest) {}

  // To be done behind those added before, and not before `due`. The gap is the n-th of the fault's.
  void add(std::size_t gap, Duration due, Step step);
  // What was added comes of the other's last step, and so the time counts from that one.
  void follow(const FirmwareSteps& other) { since_ = other.since_; }
  // When the step was done that is being done, or else the one before.
  Duration last() const { return since_; }
  void advance();
  bool idle() const { return steps_.empty(); }
  void clear() { steps_.clear(); }

 private:
  struct Pending {
    std::size_t gap;
    Duration due;
    Step step;
  };

  bool has_turn(const Pending& pending) const;
  // When time alone gives it its turn.
  Duration latest(const Pending& pending) const;
  // The gap of the next step begins.
  void restart(Duration since);

  Context& context_;
  Duration longest_;
  std::deque<Pending> steps_;
  std::uint64_t accesses_before_ = 0;
  Duration since_{};
};

}  // namespace emulator
