// The engine's scheduler on sd-event: a thread for each piece of blocking work, everything else on the loop.
#pragma once

#include "common/base/event.h"
#include "common/base/scheduler.h"
#include "common/model/error.h"

namespace nvccd {

class EventScheduler final : public Scheduler {
 public:
  static Result<std::unique_ptr<EventScheduler>> create(sd_event* event);

  EventScheduler(const EventScheduler&) = delete;
  EventScheduler& operator=(const EventScheduler&) = delete;
  // Does not wait for workers; what they still return is dropped.
  ~EventScheduler() override;

  void start(Task work, Task done) override;
  void post(Task task) override;
  [[nodiscard]] std::unique_ptr<Timer> after(Duration delay, Task task) override;

  // Waits, off the loop, until no worker runs or the time is over. False: some still run.
  bool wait_for_workers(Duration limit);

 private:
  class Inbox;
  EventScheduler(sd_event* event, std::shared_ptr<Inbox> inbox);
  int on_inbox();
  void on_arrived();

  EventPtr event_;
  std::shared_ptr<Inbox> inbox_;
  EventSourcePtr inbox_source_;
  // Results run an iteration after they were taken from the inbox. By then the loop has seen every event that
  // the kernel had queued before them, such as the closing of a VFIO group by the worker that returned the
  // result.
  std::vector<Task> arrived_;
  EventSourcePtr arrived_source_;
};

}  // namespace nvccd
