#include "kubernetes/node-agent/budget.h"

#include <algorithm>

namespace nvccd::agent {

bool Budget::take(Duration now) {
  const auto earned = (now - refilled_) / refill_;
  if (earned > 0) {
    left_ = static_cast<int>(std::min<std::int64_t>(at_once_, left_ + earned));
    refilled_ += earned * refill_;
  }
  if (left_ == 0) return false;
  --left_;
  return true;
}

}  // namespace nvccd::agent
