#include "daemon/publish/transition_statistics.h"

#include <utility>

namespace nvccd {

TransitionStatistics::TransitionStatistics(Manager& manager, std::shared_ptr<Clock> clock)
    : manager_(manager), clock_(std::move(clock)) {
  manager_.add_observer(*this);
}

TransitionStatistics::~TransitionStatistics() {
  manager_.remove_observer(*this);
}

void TransitionStatistics::node_changed() {
  const ModeState state = manager_.node().mode_state;
  if (state == ModeState::transitioning) {
    const auto job = manager_.current_job();
    if (!began_ && (!job || manager_.jobs().at(*job).sets_mode())) began_ = clock_->now();
    return;
  }
  if (!began_) return;
  counts_.latest = clock_->now() - *std::exchange(began_, std::nullopt);
  counts_.total += *counts_.latest;
  (state == ModeState::failed ? counts_.failed : counts_.done)++;
}

void TransitionStatistics::device_changed(const PciAddress& address) {
  const bool failed = manager_.devices().at(address).state == DeviceState::failed;
  const bool before = std::exchange(has_failed_[address], failed);
  failures_[address] += failed && !before ? 1 : 0;
}

void TransitionStatistics::device_removed(const PciAddress& address) {
  failures_.erase(address);
  has_failed_.erase(address);
}

}  // namespace nvccd
