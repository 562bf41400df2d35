// Lets a simulation's time pass on an event loop: as fast as real time, faster, or only when a test says so.
#pragma once

#include <chrono>

#include "common/base/event.h"
#include "tests/engine/simulation.h"

namespace nvccd::test {

class PacedSimulation {
 public:
  // `speed`: simulated seconds in a real one. 0: time stands still but for pass().
  PacedSimulation(sd_event* event, Simulation& simulation, double speed);
  PacedSimulation(const PacedSimulation&) = delete;
  PacedSimulation& operator=(const PacedSimulation&) = delete;

  // From now on. What does not need time to pass is done at any speed.
  void set_speed(double speed);

 private:
  nvccd::Duration due_now() const;
  static int on_prepare(sd_event_source* source, void* self);
  static int on_time(sd_event_source* source, std::uint64_t now, void* self);

  Simulation& simulation_;
  double speed_ = 0;
  std::chrono::steady_clock::time_point real_start_{};
  nvccd::Duration simulated_start_{};
  EventSourcePtr timer_;
};

}  // namespace nvccd::test
