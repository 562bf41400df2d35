// Time for everything that waits on hardware: real in the daemon, virtual in tests.
#pragma once

#include <chrono>

namespace nvccd {

using Duration = std::chrono::nanoseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Duration now() const = 0;  // since an arbitrary start; never goes back
  virtual void sleep(Duration duration) = 0;
};

class SteadyClock final : public Clock {
 public:
  Duration now() const override;
  void sleep(Duration duration) override;
};

// A moment by which something must have happened.
class Deadline {
 public:
  Deadline(Clock& clock, Duration from_now) : clock_(&clock), at_(clock.now() + from_now) {}

  bool passed() const { return clock_->now() >= at_; }
  // Sleeps for `step`, but not beyond the deadline. False, at once, when it has passed.
  bool sleep(Duration step) const;

 private:
  Clock* clock_;
  Duration at_;
};

}  // namespace nvccd
