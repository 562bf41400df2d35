#include "event_loop.h"

#include <stdexcept>

namespace nvccd::test {

EventPtr new_event_loop() {
  sd_event* event = nullptr;
  if (sd_event_new(&event) < 0) throw std::runtime_error("sd_event_new failed");
  return EventPtr(event);
}

bool run_until(sd_event* event, const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  using std::chrono::steady_clock;
  const auto end = steady_clock::now() + limit;
  while (!condition()) {
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(end - steady_clock::now());
    if (left.count() <= 0) return false;
    if (sd_event_run(event, static_cast<std::uint64_t>(left.count())) < 0) return false;
  }
  return true;
}

}  // namespace nvccd::test
