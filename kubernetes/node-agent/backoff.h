// How long to wait before something that failed is tried again.
#pragma once

#include <random>

#include "common/base/clock.h"

namespace nvccd::agent {

// Doubles from half a second to half a minute, each time with a random part taken off, so that the agents of
// a cluster do not all come back at once.
class Backoff {
 public:
  Duration next();
  // What was tried has worked.
  void reset() { step_ = first; }

 private:
  static constexpr Duration first = std::chrono::milliseconds(500);
  static constexpr Duration longest = std::chrono::seconds(30);

  Duration step_ = first;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace nvccd::agent
