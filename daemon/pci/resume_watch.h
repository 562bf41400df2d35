// Tells that the host was asleep: devices have lost their state by then. No polling.
#pragma once

#include <functional>
#include <memory>

#include "common/base/clock.h"
#include "common/base/event.h"
#include "common/base/fd.h"
#include "common/model/error.h"

namespace nvccd {

// How long the host has slept since it booted lies between these two, as the clocks cannot be read at once.
struct SleepTime {
  Duration least;
  Duration most;

  // Whether the host has surely slept since `before`.
  bool is_later_than(const SleepTime& before) const { return least > before.most; }
};

class ResumeWatch {
 public:
  // `resumed` is called on the loop, soon after the host has woken up.
  static Result<std::unique_ptr<ResumeWatch>> create(sd_event* event, std::function<void()> resumed);

  ResumeWatch(const ResumeWatch&) = delete;
  ResumeWatch& operator=(const ResumeWatch&) = delete;

  // To be called after the wall clock was set, as happens among others when the host wakes up. Tests call it
  // for a host that sleeps.
  void clock_was_set(const SleepTime& now);

 private:
  explicit ResumeWatch(std::function<void()> resumed);
  Result<> arm();
  void on_clock_set();

  std::function<void()> resumed_;
  SleepTime slept_;
  UniqueFd timer_;
  EventSourcePtr source_;
};

SleepTime measure_sleep_time();

}  // namespace nvccd
