// The reconciler: every trigger leads to a look at the devices, a comparison with what is wanted, and, where
// they differ, to a transition. Everything here runs on the loop's thread.
#pragma once

#include "config/settings_file.h"
#include "engine/device_record.h"
#include "engine/manager.h"
#include "engine/node_mode_store.h"
#include "engine/transition.h"

namespace nvccd {

class NodeManager final : public Manager {
 public:
  using SettingsLoader = std::function<Result<LoadedSettings>()>;
  using WarningSink = std::function<void(const std::string&)>;

  struct Parts {
    Scheduler* scheduler;  // outlives the manager
    Host host;
    NodeModeStore store;
    HostConfidential host_confidential = HostConfidential::none;
    SettingsLoader load_settings;  // for reload()
    WarningSink warn = [](const std::string&) {};
  };

  NodeManager(Parts parts, Settings settings, const NodeModes& node_modes);
  NodeManager(const NodeManager&) = delete;
  NodeManager& operator=(const NodeManager&) = delete;
  ~NodeManager() override;

  // Looks at everything that is present. `settled` is called once, when each device has been looked at and,
  // where needed, changed; a device that is in use or failed does not hold it up, and one that hangs not for
  // ever.
  void start(Task settled);

  // Triggers from udev and from the watch of the VFIO nodes.
  void device_appeared(const PciAddress& address);
  void device_gone(const PciAddress& address);
  void udev_events_lost() { rescan(); }
  void device_driver_changed(const PciAddress& address);
  void vfio_node_opened(const std::string& node);
  void vfio_node_closed(const std::string& node);
  void vfio_events_lost();

  // What witnesses tell; none of it is told of our own doing.
  void device_recovered(
      const PciAddress& address);  // the kernel brought it, or a bridge above, back from an error
  void device_touched(const PciAddress& address);  // somebody opened its reset, config or resource0 in sysfs
  void virtual_machines_changed();                 // a VM began or ended, and may have nodes of its own
  void resumed();                                  // the host slept

  const Settings& settings() const { return settings_; }

  const NodeState& node() const override { return node_; }
  const std::map<PciAddress, DeviceSnapshot>& devices() const override { return published_; }
  const std::map<JobId, JobSnapshot>& jobs() const override { return jobs_; }
  std::optional<JobId> current_job() const override;
  Result<JobId> set_mode(Mode mode, const ModeOptions& options) override;
  Result<JobId> clear_mode(const ModeOptions& options) override;
  Result<JobId> bind(const PciAddress& address) override;
  Result<JobId> unbind(const PciAddress& address) override;
  Result<JobId> reset(const PciAddress& address) override;
  Result<> cancel(JobId job) override;
  void rescan() override;
  Result<> reload() override;
  void add_observer(ManagerObserver& observer) override { observers_.push_back(&observer); }
  void remove_observer(ManagerObserver& observer) override { std::erase(observers_, &observer); }

 private:
  // A change of the node's mode that somebody asked for.
  struct ModeJob {
    JobId id;
    bool wait;
    NodeModes before;  // put back when nothing comes of it
    std::vector<PciAddress> devices;
  };

  // Of a VFIO node, while a worker of ours had a device of it; our own openings and closings are balanced.
  struct NodeUse {
    int balance = 0;  // openings minus closings
    bool let_go = false;
  };

  // What the last looks leave to do.
  struct Plan {
    std::vector<PciAddress> change;
    std::vector<PciAddress> busy;
    bool looking = false;        // a look is under way
    bool worth_waiting = false;  // and it began so lately that the other devices wait for it
    const DeviceRecord* failed = nullptr;
  };

  // node_manager.cpp: looks and plans
  void look_at_everything();
  void something_happened(DeviceRecord& record);
  void request_look(DeviceRecord& record);
  void look_finished(const LookRequest& request, const LookResult& result);
  void look_hangs(const PciAddress& address);
  void forget(const PciAddress& address);
  bool has_other_driver(const DeviceRecord& record) const;
  void update_desired();
  void set_desired(DeviceRecord& record);
  Plan make_plan() const;
  void plan();
  void settle_if_idle(const Plan& plan);
  void publish(const PciAddress& address);
  void publish_node();
  template <typename Notify>
  void notify(Notify call) {
    const auto observers = observers_;  // one may come or go in a call
    for (ManagerObserver* observer : observers)
      call(*observer);
  }

  // node_holders.cpp: who has a device
  bool node_is_ours(const std::string& node) const;
  bool was_let_go(const DeviceRecord& record) const;
  void account_for_openings(const DeviceRecord& record);
  void watch_holder(DeviceRecord& record);

  // node_jobs.cpp: changes of the node's mode, and all jobs
  Result<JobId> start_mode_job(JobKind kind, const NodeModes& wanted, const ModeOptions& options);
  Result<> check_mode(Mode mode) const;
  Result<> check_no_job() const;
  void set_node_modes(const NodeModes& modes);
  void run_transition(const std::vector<PciAddress>& addresses);
  void device_changed(const ChangeRequest& request, const Result<>& result);
  void worker_hangs(const PciAddress& address, const Error& error);
  void worker_returned(const PciAddress& address);
  void transition_finished(Transition::Outcome outcome);
  void finish_mode_job(const Plan& plan);
  void give_up_mode_job(JobState state, ErrorKind kind, const std::string& error);
  JobId add_job(JobKind kind, std::optional<Mode> mode, std::vector<PciAddress> devices);
  void update_job(JobId id, const std::function<void(JobSnapshot&)>& update);
  void finish_job(JobId id, JobState state, std::optional<ErrorKind> kind = {},
                  const std::string& error = {});

  // node_device_jobs.cpp: single actions on one device
  Result<JobId> start_device_job(JobKind kind, const PciAddress& address,
                                 std::move_only_function<Result<>()> work);
  void device_job_worked(JobId id, JobKind kind, const PciAddress& address, const Result<>& result);
  void finish_device_job(const Result<>& result, const PciAddress& address);
  void verify_reset(const PciAddress& address, const Result<>& result);
  Result<DeviceRecord*> find_for_job(const PciAddress& address);

  Parts parts_;
  Settings settings_;
  NodeModes node_modes_;
  NodeState node_;
  NodeState published_node_;  // what observers were told last
  std::string last_warning_;
  std::map<PciAddress, DeviceRecord> records_;
  std::map<PciAddress, DeviceSnapshot> published_;  // what observers were told last
  std::map<std::string, NodeUse> node_uses_;        // by path
  std::map<JobId, JobSnapshot> jobs_;
  JobId last_job_id_ = 0;
  std::optional<ModeJob> mode_job_;
  std::optional<JobId> device_job_;
  std::unique_ptr<Timer> device_job_deadline_;  // fires when its worker must have been back long ago
  std::shared_ptr<Transition> transition_;
  std::optional<JobId> transition_job_;
  std::optional<Error> transition_error_;  // the first of the running transition
  std::vector<ManagerObserver*> observers_;
  Task settled_;
  std::shared_ptr<int> alive_ =
      std::make_shared<int>(0);  // expires before the members: late workers check it
};

}  // namespace nvccd
