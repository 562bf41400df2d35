// Time as the emulated devices see it: real in the server, set by hand in tests.
#pragma once

#include <chrono>

namespace emulator {

using Duration = std::chrono::nanoseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  // Time since an arbitrary start; never goes back.
  virtual Duration now() const = 0;
};

class SteadyClock final : public Clock {
 public:
  Duration now() const override { return std::chrono::steady_clock::now().time_since_epoch(); }
};

class ManualClock final : public Clock {
 public:
  Duration now() const override { return now_; }
  void advance(Duration by) { now_ += by; }

 private:
  Duration now_{};
};

}  // namespace emulator
