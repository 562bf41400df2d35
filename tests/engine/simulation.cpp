#include "simulation.h"

#include <algorithm>

namespace nvccd::test {

struct Simulation::Worker {
  Task work;
  Task done;
  nvccd::Duration wake{};
  Baton go;
  bool finished = false;
  bool dismissed = false;
  std::thread thread;
};

void Simulation::Baton::give() {
  const std::lock_guard lock(mutex_);
  here_ = true;
  given_.notify_one();
}

void Simulation::Baton::take() {
  std::unique_lock lock(mutex_);
  given_.wait(lock, [this] { return here_; });
  here_ = false;
}

class Simulation::SimulatedTimer final : public Timer {
 public:
  explicit SimulatedTimer(std::shared_ptr<PendingTimer> pending) : pending_(std::move(pending)) {}
  SimulatedTimer(const SimulatedTimer&) = delete;
  SimulatedTimer& operator=(const SimulatedTimer&) = delete;
  ~SimulatedTimer() override { pending_->cancelled = true; }

 private:
  std::shared_ptr<PendingTimer> pending_;
};

namespace {

thread_local void* current_worker = nullptr;

}  // namespace

Simulation::Simulation() = default;

Simulation::~Simulation() {
  killing_ = true;
  end_workers();
}

void Simulation::end_workers() {
  for (const auto& worker : workers_)
    if (!worker->finished) let_run(*worker);
  for (const auto* workers : {&workers_, &idle_workers_})
    for (const auto& worker : *workers) {
      worker->dismissed = true;
      worker->go.give();
      worker->thread.join();
    }
  workers_.clear();
  idle_workers_.clear();
}

void Simulation::kill() {
  killing_ = true;
  throw Killed{};
}

void Simulation::revive() {
  killing_ = true;  // the loop may be at rest when it is killed
  end_workers();
  posted_.clear();
  timers_.clear();
  killing_ = false;
}

// One piece of work after the other, as it is given.
void Simulation::serve(Worker& worker) {
  current_worker = &worker;
  for (worker.go.take(); !worker.dismissed; worker.go.take()) {
    try {
      if (!killing_) worker.work();
    } catch (const Killed&) {  // ended by the simulation, see sleep()
    }
    worker.work = nullptr;
    worker.finished = true;
    baton_.give();
  }
}

// A worker is a thread for one piece of work, as far as that can tell; to make one anew takes longer than
// most work.
void Simulation::start(Task work, Task done) {
  if (out_of_threads_) {
    ++works_dropped_;
    work = nullptr;
    return post(std::move(done));
  }
  if (idle_workers_.empty()) {
    idle_workers_.push_back(std::make_unique<Worker>());
    Worker& hired = *idle_workers_.back();
    hired.thread = std::thread([this, &hired] { serve(hired); });
  }
  auto worker = std::move(idle_workers_.back());
  idle_workers_.pop_back();
  worker->work = std::move(work);
  worker->done = std::move(done);
  worker->wake = now_;
  worker->finished = false;
  workers_.push_back(std::move(worker));
  most_workers_at_once_ = std::max(most_workers_at_once_, static_cast<unsigned>(workers_.size()));
}

std::unique_ptr<Timer> Simulation::after(nvccd::Duration delay, Task task) {
  auto pending = std::make_shared<PendingTimer>(PendingTimer{.due = now_ + delay, .task = std::move(task)});
  timers_.push_back(pending);
  return std::make_unique<SimulatedTimer>(std::move(pending));
}

void Simulation::sleep(nvccd::Duration duration) {
  auto* worker = static_cast<Worker*>(current_worker);
  worker->wake = now_ + duration;
  if (sleep_through_ && !interrupted_ && posted_.empty() && worker->wake < undisturbed_until_) {
    now_ = worker->wake;
    return;
  }
  baton_.give();
  worker->go.take();
  if (killing_) throw Killed{};
}

void Simulation::let_run(Worker& worker) {
  worker.go.give();
  baton_.take();
}

bool Simulation::step(nvccd::Duration until) {
  if (killing_) return false;
  if (!posted_.empty()) {
    Task task = std::move(posted_.front());
    posted_.pop_front();
    task();
    return true;
  }
  std::erase_if(timers_, [](const auto& timer) { return timer->cancelled; });
  const auto worker = std::ranges::min_element(workers_, {}, [](const auto& w) { return w->wake; });
  const auto timer = std::ranges::min_element(timers_, {}, [](const auto& t) { return t->due; });
  if (worker != workers_.end() && (timer == timers_.end() || (*worker)->wake <= (*timer)->due)) {
    if ((*worker)->wake > until) return false;
    now_ = std::max(now_, (*worker)->wake);
    interrupted_ = false;
    undisturbed_until_ = timer == timers_.end() ? until : std::min(until, (*timer)->due);
    for (const auto& other : workers_)
      if (other != *worker) undisturbed_until_ = std::min(undisturbed_until_, other->wake);
    let_run(**worker);
    if ((*worker)->finished && !killing_) {
      post(std::move((*worker)->done));
      idle_workers_.push_back(std::move(*worker));
      workers_.erase(worker);
    }
    return true;
  }
  if (timer == timers_.end() || (*timer)->due > until) return false;
  const auto fired = *timer;
  timers_.erase(timer);
  now_ = std::max(now_, fired->due);
  fired->task();
  return true;
}

std::optional<nvccd::Duration> Simulation::next_due() const {
  if (!posted_.empty()) return now_;
  std::optional<nvccd::Duration> next;
  const auto consider = [&](nvccd::Duration due) { next = next ? std::min(*next, due) : due; };
  for (const auto& worker : workers_)
    consider(worker->wake);
  for (const auto& timer : timers_)
    if (!timer->cancelled) consider(timer->due);
  return next;
}

void Simulation::pass(nvccd::Duration time) {
  const auto until = now_ + time;
  run(time);
  now_ = until;
}

void Simulation::run(nvccd::Duration limit) {
  const auto until = now_ + limit;
  while (step(until)) {
  }
}

}  // namespace nvccd::test
