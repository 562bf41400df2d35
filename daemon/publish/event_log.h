// Writes what happens to the devices and jobs into the log, once for each change that a person would care
// about.
#pragma once

#include <map>

#include "engine/manager.h"

namespace nvccd {

class EventLog final : public ManagerObserver {
 public:
  explicit EventLog(Manager& manager);
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
  Manager& manager_;
  NodeState node_;
  std::map<PciAddress, DeviceSnapshot> devices_;
  std::map<JobId, JobState> jobs_;
};

}  // namespace nvccd
