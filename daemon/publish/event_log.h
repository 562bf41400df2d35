// Writes what happens to the devices and jobs into the log, once for each change that a person would care
// about.
#pragma once

#include <map>

#include "daemon/engine/manager.h"
#include "daemon/publish/log_entry.h"

namespace nvccd {

// The manager must outlive it.
class EventLog final : public ManagerObserver {
 public:
  EventLog(Manager& manager, LogWriter write);
  ~EventLog() override;
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  void node_changed() override;
  void device_added(const PciAddress& address) override;
  void device_changed(const PciAddress& address) override;
  void device_removed(const PciAddress& address) override;
  void job_added(JobId id) override;
  void job_changed(JobId id) override;
  void job_removed(JobId id) override;

 private:
  struct Progress {
    JobState state = JobState::queued;
    std::optional<JobPhase> phase;  // once it runs
  };

  LogEntry device_entry(const PciAddress& address, std::string_view text) const;
  LogEntry job_entry(const JobSnapshot& job, std::string_view text) const;

  Manager& manager_;
  LogWriter write_;
  NodeState node_;
  std::map<PciAddress, DeviceSnapshot> devices_;
  std::map<JobId, Progress> jobs_;
};

}  // namespace nvccd
