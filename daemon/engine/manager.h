// What the D-Bus side and the publishers may ask of the running daemon, and what they are told.
// Everything here runs on the event loop's thread.
#pragma once

#include <map>

#include "common/model/device.h"
#include "common/model/error.h"
#include "common/model/node.h"

namespace nvccd {

struct ModeOptions {
  bool persist = true;            // keep the node mode across restarts and reboots
  std::optional<bool> wait = {};  // wait for devices in use; nullopt: as the settings say
  bool dry_run = false;           // say which devices would change, change nothing
};

// Told of every change, in the order in which the changes happened. Objects can be looked up in the manager.
class ManagerObserver {
 public:
  virtual ~ManagerObserver() = default;
  virtual void node_changed() {}
  virtual void device_added(const PciAddress&) {}
  virtual void device_changed(const PciAddress&) {}
  // The device is no longer among devices().
  virtual void device_removed(const PciAddress&) {}
  virtual void job_added(JobId) {}
  virtual void job_changed(JobId) {}
  // The job can still be looked up during this call, not afterwards.
  virtual void job_removed(JobId) {}
};

class Manager {
 public:
  virtual ~Manager() = default;

  virtual const NodeState& node() const = 0;
  virtual const std::map<PciAddress, DeviceSnapshot>& devices() const = 0;
  virtual const std::map<JobId, JobSnapshot>& jobs() const = 0;
  virtual std::optional<JobId> current_job() const = 0;

  // Each checks its arguments and returns at once; what follows is told through the job.
  virtual Result<JobId> set_mode(Mode mode, const ModeOptions& options) = 0;
  virtual Result<JobId> clear_mode(const ModeOptions& options) = 0;
  virtual Result<JobId> bind(const PciAddress& address) = 0;
  virtual Result<JobId> unbind(const PciAddress& address) = 0;
  virtual Result<JobId> reset(const PciAddress& address) = 0;
  virtual Result<> cancel(JobId job) = 0;

  virtual void rescan() = 0;
  virtual Result<> reload() = 0;

  virtual void add_observer(ManagerObserver& observer) = 0;
  virtual void remove_observer(ManagerObserver& observer) = 0;
};

}  // namespace nvccd
