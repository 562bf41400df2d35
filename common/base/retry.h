// Something that failed is tried again: later each time, and what is wrong is said once.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/scheduler.h"

namespace nvccd {

struct RetryLimits {
  Duration first = std::chrono::milliseconds(500);
  Duration longest = std::chrono::seconds(30);
};

// How long to wait. Doubles from the first to the longest, each time with a random part of up to a half taken
// off, so that the hosts of a cluster do not all come back at once.
class Backoff {
 public:
  explicit Backoff(RetryLimits limits = {}) : limits_(limits), step_(limits.first) {}

  Duration next();
  // What was tried has worked.
  void reset() { step_ = limits_.first; }

 private:
  RetryLimits limits_;
  Duration step_;
  std::minstd_rand random_{std::random_device{}()};
};

// One thing that is tried again on the loop. `scheduler` must outlive it.
class Retry {
 public:
  explicit Retry(Scheduler& scheduler, RetryLimits limits = {}) : scheduler_(scheduler), backoff_(limits) {}

  // Runs `task` after the next delay, but not before `at_least` from now, and in place of a task that still
  // waits. The task may destroy the Retry. Returns the delay.
  Duration later(Task task, Duration at_least = Duration(0));
  bool waiting() const { return timer_ != nullptr; }
  void cancel() { timer_.reset(); }
  // What was tried has worked: the next delay is the first one again.
  void succeeded() { backoff_.reset(); }

 private:
  Scheduler& scheduler_;
  Backoff backoff_;
  std::unique_ptr<Timer> timer_;
};

// What is wrong, for the log: said once, and again when the cause is another. Words with digits in them, such
// as times, ports and names that were counted up, do not make a cause another one.
class Trouble {
 public:
  // Whether the cause has to be said.
  bool is_news(std::string_view cause);
  // The trouble is over. True when there was any.
  bool end();

 private:
  std::optional<std::string> said_;
};

}  // namespace nvccd
