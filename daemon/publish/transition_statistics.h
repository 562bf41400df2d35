// How often the node was changed and how long that took, for the metrics.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "common/base/clock.h"
#include "daemon/engine/manager.h"

namespace nvccd {

struct TransitionCounts {
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  Duration total{};                // of all that ended
  std::optional<Duration> latest;  // of the one that ended last
};

// Counts from the daemon's start. A transition is the time in which the node is in mode state
// `transitioning`, whether somebody asked for it, a device came, or the daemon started; the time of a job for
// a single device does not count. Runs on the event loop's thread; the manager must outlive it.
class TransitionStatistics final : public ManagerObserver {
 public:
  TransitionStatistics(Manager& manager, std::shared_ptr<Clock> clock);
  ~TransitionStatistics() override;
  TransitionStatistics(const TransitionStatistics&) = delete;
  TransitionStatistics& operator=(const TransitionStatistics&) = delete;

  const TransitionCounts& transitions() const { return counts_; }
  // How often each device that is there went to state `failed`.
  const std::map<PciAddress, std::uint64_t>& failures() const { return failures_; }

  void node_changed() override;
  void device_added(const PciAddress& address) override { device_changed(address); }
  void device_changed(const PciAddress& address) override;
  void device_removed(const PciAddress& address) override;

 private:
  Manager& manager_;
  std::shared_ptr<Clock> clock_;
  TransitionCounts counts_;
  std::optional<Duration> began_;
  std::map<PciAddress, std::uint64_t> failures_;
  std::map<PciAddress, bool> has_failed_;
};

}  // namespace nvccd
