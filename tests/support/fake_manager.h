// A manager without hardware: the test says what happens, in the words of the domain.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/engine/manager.h"

namespace nvccd::test {

DeviceSnapshot hopper_gpu(const std::string& address);
DeviceSnapshot ls10_switch(const std::string& address);

class FakeManager final : public Manager {
 public:
  // ---- what happens ----
  void appear(const DeviceSnapshot& device);
  void disappear(const std::string& address);
  void change_device(const std::string& address, const std::function<void(DeviceSnapshot&)>& change);
  void change_node(const std::function<void(NodeState&)>& change);
  JobId start_job(JobSnapshot job);
  void change_job(JobId id, const std::function<void(JobSnapshot&)>& change);
  void end_job(JobId id, JobState state, const std::optional<Error>& error = {});

  // ---- what it was asked ----
  struct SetModeRequest {
    Mode mode;
    ModeOptions options;
  };
  std::vector<SetModeRequest> set_mode_requests;
  std::vector<ModeOptions> clear_mode_requests;
  std::vector<std::string> requests;  // "bind 0000:65:00.0", "cancel 3", "rescan", "reload"

  // ---- how it answers ----
  std::optional<Error> refusal;  // the answer to everything
  std::optional<JobId> join;     // set_mode answers with this job, which runs already
  // Called with the job of every request before the request returns; may end it.
  std::function<void(JobId)> on_new_job;
  std::function<void(JobId)> on_cancel;  // ends the job, now or later; else it ends at once

  // Manager
  const NodeState& node() const override { return node_; }
  const std::map<PciAddress, DeviceSnapshot>& devices() const override { return devices_; }
  const std::map<JobId, JobSnapshot>& jobs() const override { return jobs_; }
  std::optional<JobId> current_job() const override;
  Result<JobId> set_mode(Mode mode, const ModeOptions& options) override;
  Result<JobId> clear_mode(const ModeOptions& options) override;
  Result<JobId> bind(const PciAddress& address) override { return device_job(JobKind::bind, address); }
  Result<JobId> unbind(const PciAddress& address) override { return device_job(JobKind::unbind, address); }
  Result<JobId> reset(const PciAddress& address) override { return device_job(JobKind::reset, address); }
  Result<> cancel(JobId job) override;
  void rescan() override { requests.emplace_back("rescan"); }
  Result<> reload() override;
  void add_observer(ManagerObserver& observer) override { observers_.push_back(&observer); }
  void remove_observer(ManagerObserver& observer) override { std::erase(observers_, &observer); }

 private:
  void tell(const std::function<void(ManagerObserver&)>& news);
  Result<JobId> device_job(JobKind kind, const PciAddress& address);
  std::vector<PciAddress> addresses() const;

  NodeState node_;
  std::map<PciAddress, DeviceSnapshot> devices_;
  std::map<JobId, JobSnapshot> jobs_;
  JobId last_job_ = 0;
  std::vector<ManagerObserver*> observers_;
};

}  // namespace nvccd::test
