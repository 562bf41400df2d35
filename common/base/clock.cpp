#include "common/base/clock.h"

#include <algorithm>
#include <thread>

namespace nvccd {

Duration SteadyClock::now() const {
  return std::chrono::steady_clock::now().time_since_epoch();
}

void SteadyClock::sleep(Duration duration) {
  std::this_thread::sleep_for(duration);
}

bool Deadline::sleep(Duration step) const {
  const Duration left = at_ - clock_->now();
  if (left <= Duration::zero()) return false;
  clock_->sleep(std::min(step, left));
  return true;
}

}  // namespace nvccd
