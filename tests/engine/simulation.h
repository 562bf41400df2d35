// Workers, loop and timers in virtual time: deterministic, and as fast as the processor. Workers run truly
// beside one another in virtual time, yet only one of them, or the loop, ever runs at a moment.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "common/base/clock.h"
#include "common/base/scheduler.h"
#include "tests/emulator/clock.h"

namespace nvccd::test {

class Simulation final : public Scheduler, public Clock, public emulator::Clock {
 public:
  Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;
  ~Simulation() override;  // workers that still sleep are ended where they are, as by a kill

  // Scheduler
  void start(Task work, Task done) override;
  void post(Task task) override { posted_.push_back(std::move(task)); }
  [[nodiscard]] std::unique_ptr<Timer> after(nvccd::Duration delay, Task task) override;

  // Both clocks: the engine's and the hardware's are one.
  nvccd::Duration now() const override { return now_; }
  // Called by workers. Others run meanwhile.
  void sleep(nvccd::Duration duration) override;

  // The host has no thread left, so that work is dropped, until it is called with false.
  void run_out_of_threads(bool out = true) { out_of_threads_ = out; }
  unsigned works_dropped() const { return works_dropped_; }

  // A worker that sleeps while nothing else falls due goes on without step() having returned, which saves
  // most of the time. interrupt(), called by a worker, makes its next sleep return to the one who called
  // step().
  void let_workers_sleep_through() { sleep_through_ = true; }
  void interrupt() { interrupted_ = true; }

  // Runs everything until nothing is left to do but timers beyond `limit` of virtual time from now.
  void run(nvccd::Duration limit = std::chrono::minutes(30));

  // Lets time pass, and runs what falls due.
  void pass(nvccd::Duration time);

  // One thing: a posted task, or the next worker or timer in time. False: nothing is left.
  bool step(nvccd::Duration until);
  // When the next thing is to be done; nullopt: there is none.
  std::optional<nvccd::Duration> next_due() const;
  // Whether the loop has nothing posted to it.
  bool loop_is_idle() const { return posted_.empty(); }
  // Nothing falls due before that.
  void wait_until(nvccd::Duration time) { now_ = std::max(now_, time); }

  // As kill -9 of the process: called by a worker, ends it and every other where they are. run() and step()
  // stop; the loop's owner then destroys what lived in the process and calls revive().
  [[noreturn]] void kill();
  bool killed() const { return killing_; }
  void revive();

  unsigned most_workers_at_once() const { return most_workers_at_once_; }

 private:
  // Handed from one thread to another. std::binary_semaphore would do, but it spins before it sleeps.
  class Baton {
   public:
    void give();
    void take();

   private:
    std::mutex mutex_;
    std::condition_variable given_;
    bool here_ = false;
  };
  struct Worker;
  struct PendingTimer {
    nvccd::Duration due;
    Task task;
    bool cancelled = false;
  };
  class SimulatedTimer;
  struct Killed {};

  void serve(Worker& worker);
  void let_run(Worker& worker);
  void end_workers();

  nvccd::Duration now_{};
  std::deque<Task> posted_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Worker>> idle_workers_;
  std::vector<std::shared_ptr<PendingTimer>> timers_;
  Baton baton_;  // given back to the loop by the worker that ran
  unsigned most_workers_at_once_ = 0;
  bool out_of_threads_ = false;
  unsigned works_dropped_ = 0;
  bool killing_ = false;
  bool sleep_through_ = false;
  bool interrupted_ = false;
  nvccd::Duration undisturbed_until_{};  // the worker that runs
};

}  // namespace nvccd::test
