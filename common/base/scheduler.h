// Where the engine's work runs: on the event loop's thread, or in a worker. Tests have one without threads.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>

#include "common/base/clock.h"
#include "common/model/error.h"

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
  // have given up on the work before it returns. On a host that has no thread left `work` is dropped, and
  // `done` runs all the same.
  virtual void start(Task work, Task done) = 0;

  // Runs `task` on the loop, soon. The only function that workers may call.
  virtual void post(Task task) = 0;

  // Runs `task` on the loop after `delay`, unless the timer is destroyed before.
  [[nodiscard]] virtual std::unique_ptr<Timer> after(Duration delay, Task task) = 0;
};

// The result of work that was never begun, for lack of a thread.
template <typename Value>
Value not_begun() {
  Error error{.kind = ErrorKind::system,
              .cause = "no thread could be started for the work, so nothing was done",
              .advice = "the host or the service (TasksMax) is out of threads or memory; try again later",
              .transient = true};
  if constexpr (std::constructible_from<Value, std::unexpected<Error>>) {
    return std::unexpected(std::move(error));
  } else {
    Value value{};
    value.error = std::move(error);  // a value that can say so itself
    return value;
  }
}

// Runs `work` in a worker and hands what it returns to `done` on the loop. The returned value is a Result or
// has an `error`, see not_begun().
template <typename Work, typename Done>
void start_with_result(Scheduler& scheduler, Work work, Done done) {
  using Value = std::invoke_result_t<Work&>;
  auto value = std::make_shared<std::optional<Value>>();
  scheduler.start(
      [value, work = std::move(work)]() mutable { value->emplace(work()); },
      [value, done = std::move(done)]() mutable { done(*value ? *std::move(*value) : not_begun<Value>()); });
}

}  // namespace nvccd
