// Where the engine's work runs: on the event loop's thread, or in a worker. Tests have one without threads.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"

namespace nvccd {

using Task = std::move_only_function<void()>;

// Stops its timer when destroyed.
class Timer {
 public:
  virtual ~Timer() = default;
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // Runs `work` in a worker of its own, then `done` on the loop. `work` must own what it uses: the loop may
  // have given up on it before it returns.
  virtual void start(Task work, Task done) = 0;

  // Runs `task` on the loop, soon. The only function that workers may call.
  virtual void post(Task task) = 0;

  // Runs `task` on the loop after `delay`, unless the timer is destroyed before.
  [[nodiscard]] virtual std::unique_ptr<Timer> after(Duration delay, Task task) = 0;
};

// Runs `work` in a worker and hands what it returns to `done` on the loop.
template <typename Work, typename Done>
void start_with_result(Scheduler& scheduler, Work work, Done done) {
  using Value = std::invoke_result_t<Work&>;
  auto value = std::make_shared<std::optional<Value>>();
  scheduler.start([value, work = std::move(work)]() mutable { value->emplace(work()); },
                  [value, done = std::move(done)]() mutable { done(*std::move(*value)); });
}

}  // namespace nvccd
