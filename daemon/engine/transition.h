// The change of several devices together: stage all, and only when all are staged, reset all at once. Lives
// on the loop's thread; the devices' steps run in workers.
#pragma once

#include <map>

#include "common/base/scheduler.h"
#include "daemon/engine/change.h"

namespace nvccd {

// What workers use. Shared, because a worker that hangs in the kernel outlives the loop's interest in it.
struct Host {
  std::shared_ptr<HostDevices> devices;
  std::shared_ptr<Clock> clock;
};

class Transition {
 public:
  enum class Outcome { done, failed, cancelled };

  struct Callbacks {
    std::function<void(JobPhase, double progress)> progress;
    // Whether a device may still be reset, asked when all devices are staged. An error undoes the change for
    // all of them.
    std::function<Result<>(const ChangeRequest&)> may_reset;
    // Called before the first reset.
    std::function<void(const std::vector<PciAddress>&)> reset_begins;
    // Once per device, when its fate is known: changed and verified, or why not.
    std::function<void(const ChangeRequest&, const Result<>&)> device_finished;
    // In place of device_finished when a worker does not come back in time; it still has the device then.
    std::function<void(const ChangeRequest&, const Error&)> device_hangs;
    // Such a worker has come back after all, and released the device. The transition may be long over.
    std::function<void(const ChangeRequest&)> device_returned;
    // Called last, once, from the loop; may destroy the transition.
    std::function<void(Outcome)> finished;
  };

  // Nothing happens before start(). `scheduler` outlives the transition.
  static std::shared_ptr<Transition> create(Scheduler& scheduler, Host host,
                                            std::vector<ChangeRequest> requests, const StepLimits& limits,
                                            Callbacks callbacks);

  void start();

  // False: the first reset has begun, so it is too late.
  bool cancel();

  bool involves(const PciAddress& address) const { return devices_.contains(address); }

 private:
  enum class Stage { staging, rolling_back, applying, finished };

  struct Device {
    ChangeRequest request;
    std::shared_ptr<StagedDevice> staged;  // null before staging has succeeded
    std::optional<Result<>> result;        // nullopt: not known yet
    bool worker_running = false;
    JobPhase phase = JobPhase::stage;
    double progress = 0;
  };

  Transition(Scheduler& scheduler, Host host, std::vector<ChangeRequest> requests, const StepLimits& limits,
             Callbacks callbacks);

  using Staging = std::expected<std::shared_ptr<StagedDevice>, StagingFailure>;
  void device_staged(const PciAddress& address, Staging staged);
  bool goes_on_without(const StagingFailure& failure) const;
  void all_staged();
  void roll_back();
  void apply();
  void device_in_phase(const PciAddress& address, JobPhase phase);
  void finish_device(Device& device, Result<> result);
  void start_deadline();
  void check_finished();
  void out_of_time();
  bool waits_for(const PciAddress& address) const { return devices_.at(address).worker_running; }
  bool workers_running() const;
  void report_progress();

  Scheduler& scheduler_;
  Host host_;
  StepLimits limits_;
  Callbacks callbacks_;
  std::map<PciAddress, Device> devices_;
  Stage stage_ = Stage::staging;
  JobPhase phase_ = JobPhase::stage;  // of the device that is furthest behind
  bool cancelled_ = false;
  std::optional<Error> refusal_;  // the first error of staging; undoes the change for all
  std::unique_ptr<Timer> deadline_;
  std::weak_ptr<Transition> self_;
};

}  // namespace nvccd
