#include "paced_simulation.h"

#include <algorithm>
#include <stdexcept>

namespace nvccd::test {
namespace {

using std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

std::uint64_t microseconds(steady_clock::time_point time) {
  return static_cast<std::uint64_t>(
      std::chrono::ceil<std::chrono::microseconds>(time.time_since_epoch()).count());
}

}  // namespace

PacedSimulation::PacedSimulation(sd_event* event, Simulation& simulation, double speed)
    : simulation_(simulation) {
  set_speed(speed);
  sd_event_source* source = nullptr;
  if (sd_event_add_time(event, &source, CLOCK_MONOTONIC, UINT64_MAX, 1, on_time, this) < 0)
    throw std::runtime_error("sd_event_add_time failed");
  timer_.reset(source);
  // What is to be done changes with whatever the loop runs, so it is asked before every wait.
  if (sd_event_source_set_prepare(source, on_prepare) < 0) throw std::runtime_error("no prepare callback");
  sd_event_source_set_enabled(source, SD_EVENT_ON);
}

void PacedSimulation::set_speed(double speed) {
  speed_ = speed;
  real_start_ = steady_clock::now();
  simulated_start_ = simulation_.now();
}

nvccd::Duration PacedSimulation::due_now() const {
  const Seconds passed = steady_clock::now() - real_start_;
  return std::max(simulation_.now(), simulated_start_ + std::chrono::floor<nvccd::Duration>(passed * speed_));
}

int PacedSimulation::on_prepare(sd_event_source* source, void* self) {
  const auto& paced = *static_cast<PacedSimulation*>(self);
  const auto next = paced.simulation_.next_due();
  // The source stays on: of one that is off sd-event would not ask again.
  std::uint64_t at = UINT64_MAX;
  if (next && *next <= paced.simulation_.now())
    at = 0;
  else if (next && paced.speed_ > 0)
    at = microseconds(paced.real_start_ + std::chrono::ceil<steady_clock::duration>(
                                              Seconds(*next - paced.simulated_start_) / paced.speed_));
  return sd_event_source_set_time(source, at);
}

int PacedSimulation::on_time(sd_event_source*, std::uint64_t, void* self) {
  const auto& paced = *static_cast<PacedSimulation*>(self);
  paced.simulation_.step(paced.due_now());  // one thing a turn of the loop, as in the daemon
  return 0;
}

}  // namespace nvccd::test
