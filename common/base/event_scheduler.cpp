#include "common/base/event_scheduler.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "common/base/fd.h"

namespace nvccd {

// Where workers leave what the loop has to run. Shared, as a worker may outlive the loop.
class EventScheduler::Inbox {
 public:
  explicit Inbox(UniqueFd wake) : wake_(std::move(wake)) {}

  int wake_fd() const { return wake_.get(); }

  void put(Task task) {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one,
                   sizeof one);  // fails only when the counter is full: then the loop wakes anyway
  }

  std::vector<Task> take_all() {
    std::uint64_t count = 0;
    (void)!::read(wake_.get(), &count, sizeof count);
    const std::lock_guard lock(mutex_);
    return std::exchange(tasks_, {});
  }

  void worker_started() {
    const std::lock_guard lock(mutex_);
    ++workers_;
  }

  void worker_ended() {
    const std::lock_guard lock(mutex_);
    --workers_;
    idle_.notify_all();
  }

  bool wait_until_idle(Duration limit) {
    std::unique_lock lock(mutex_);
    return idle_.wait_for(lock, limit, [this] { return workers_ == 0; });
  }

 private:
  UniqueFd wake_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::vector<Task> tasks_;
  unsigned workers_ = 0;
};

namespace {

class EventTimer final : public Timer {
 public:
  static std::unique_ptr<EventTimer> start(sd_event* event, Duration delay, Task task) {
    auto timer = std::unique_ptr<EventTimer>(new EventTimer(std::move(task)));
    // From the clock and not from sd-event's idea of now, which is that of the loop's last wake-up.
    const auto due = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now().time_since_epoch() + delay);
    // The accuracy is sd-event's default of 250 ms, which lets the processor sleep: these are limits, not
    // clockwork.
    (void)sd_event_add_time(event, out(timer->source_), CLOCK_MONOTONIC,
                            static_cast<std::uint64_t>(due.count()), 0, callback<&EventTimer::on_time>,
                            timer.get());
    return timer;
  }

 private:
  explicit EventTimer(Task task) : task_(std::move(task)) {}

  void on_time() {
    // The task may destroy the timer, and must not destroy itself by that.
    Task task = std::move(task_);
    task();
  }

  Task task_;
  EventSourcePtr source_;
};

}  // namespace

Result<std::unique_ptr<EventScheduler>> EventScheduler::create(sd_event* event) {
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return std::unexpected(system_error("cannot create an eventfd", errno));
  std::unique_ptr<EventScheduler> scheduler(
      new EventScheduler(event, std::make_shared<Inbox>(std::move(wake))));
  const int added = sd_event_add_io(event, out(scheduler->inbox_source_), scheduler->inbox_->wake_fd(),
                                    EPOLLIN, callback<&EventScheduler::on_inbox>, scheduler.get());
  if (added < 0) return std::unexpected(system_error("cannot watch for finished work", -added));
  auto& arrived = scheduler->arrived_source_;
  const int deferred =
      sd_event_add_defer(event, out(arrived), callback<&EventScheduler::on_arrived>, scheduler.get());
  if (deferred < 0) return std::unexpected(system_error("cannot run finished work", -deferred));
  (void)sd_event_source_set_enabled(arrived.get(), SD_EVENT_OFF);
  // After important sources (what happened before), but before the inbox (what has come since).
  (void)sd_event_source_set_priority(arrived.get(), SD_EVENT_PRIORITY_NORMAL - 1);
  return scheduler;
}

EventScheduler::EventScheduler(sd_event* event, std::shared_ptr<Inbox> inbox)
    : event_(share(event)), inbox_(std::move(inbox)) {}

EventScheduler::~EventScheduler() = default;

void EventScheduler::start(Task work, Task done) {
  // Not in the thread's function itself, which is gone when the thread cannot be started.
  struct Job {
    Task work;
    Task done;
  };
  const auto job = std::make_shared<Job>(std::move(work), std::move(done));
  inbox_->worker_started();
  try {
    std::thread([inbox = inbox_, job] {
      job->work();
      job->work = nullptr;  // what it held is released here: that may block
      inbox->put(std::move(job->done));
      inbox->worker_ended();
    }).detach();
  } catch (const std::system_error&) {
    job->work = nullptr;
    inbox_->put(std::move(job->done));
    inbox_->worker_ended();
  }
}

void EventScheduler::post(Task task) {
  inbox_->put(std::move(task));
}

std::unique_ptr<Timer> EventScheduler::after(Duration delay, Task task) {
  return EventTimer::start(event_.get(), delay, std::move(task));
}

bool EventScheduler::wait_for_workers(Duration limit) {
  return inbox_->wait_until_idle(limit);
}

int EventScheduler::on_inbox() {
  for (auto& task : inbox_->take_all())
    arrived_.push_back(std::move(task));
  return sd_event_source_set_enabled(arrived_source_.get(), SD_EVENT_ONESHOT);
}

void EventScheduler::on_arrived() {
  // Moved out: a task may add another, or end the loop and with it the scheduler.
  auto tasks = std::exchange(arrived_, {});
  for (auto& task : tasks)
    task();
}

}  // namespace nvccd
