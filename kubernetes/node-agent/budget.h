// How often something may be done: some times at once, then only now and then.
#pragma once

#include "common/base/clock.h"

namespace nvccd::agent {

class Budget {
 public:
  // One more each `refill`, up to `at_once`.
  Budget(int at_once, Duration refill) : at_once_(at_once), refill_(refill), left_(at_once) {}

  bool take(Duration now);

 private:
  int at_once_;
  Duration refill_;
  int left_;
  Duration refilled_{};
};

}  // namespace nvccd::agent
