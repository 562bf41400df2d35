#include "kubernetes/node-agent/backoff.h"

#include <algorithm>

namespace nvccd::agent {

Duration Backoff::next() {
  const Duration step = step_;
  step_ = std::min(2 * step_, longest);
  return Duration(std::uniform_int_distribution(step.count() / 2, step.count())(random_));
}

}  // namespace nvccd::agent
