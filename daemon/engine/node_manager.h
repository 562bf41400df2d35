// The reconciler. Every trigger tells a device's life what has happened, and then the same steps follow: look
// at devices of which nothing is known, change those that are not as they should be, publish. Everything here
// runs on the loop's thread.
#pragma once

#include "common/config/settings_file.h"
#include "daemon/engine/device_record.h"
#include "daemon/engine/group_use.h"
#include "daemon/engine/jobs.h"
#include "daemon/engine/manager.h"
#include "daemon/engine/publication.h"

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

  // Looks at every device that is present. `settled` is called once, when each device has been looked at and,
  // where needed, changed. A device that is in use or failed does not delay the call, and one that hangs only
  // for a limited time.
  void start(Task settled);

  // What witnesses tell. They leave out what nvccd itself does, except for events of udev and of the VFIO
  // nodes.
  void device_appeared(const PciAddress& address);
  void device_gone(const PciAddress& address);
  void device_driver_changed(const PciAddress& address);
  void device_recovered(const PciAddress& address);  // the kernel recovered it, or a bridge above it
  void device_touched(const PciAddress& address);    // somebody reset it, or wrote its configuration space
  void registers_opened(const PciAddress& address);  // another program opened its resource0 in sysfs
  void registers_closed(const PciAddress& address);
  void vfio_node_opened(const std::string& node);
  void vfio_node_closed(const std::string& node);
  void virtual_machines_changed();  // a VM began or ended, perhaps with nodes of its own
  void resumed();                   // the host slept
  void vfio_events_lost();
  void udev_events_lost();

  const Settings& settings() const { return settings_; }

  const NodeState& node() const override { return publication_.node(); }
  const std::map<PciAddress, DeviceSnapshot>& devices() const override { return publication_.devices(); }
  const std::map<JobId, JobSnapshot>& jobs() const override { return jobs_.jobs(); }
  std::optional<JobId> current_job() const override;
  Result<JobId> set_mode(Mode mode, const ModeOptions& options) override;
  Result<JobId> clear_mode(const ModeOptions& options) override;
  Result<JobId> bind(const PciAddress& address) override;
  Result<JobId> unbind(const PciAddress& address) override;
  Result<JobId> reset(const PciAddress& address) override;
  Result<> cancel(JobId job) override;
  void rescan() override;
  Result<> reload() override;
  void add_observer(ManagerObserver& observer) override { publication_.add_observer(observer); }
  void remove_observer(ManagerObserver& observer) override { publication_.remove_observer(observer); }

 private:
  // The workers at one address, for whatever incarnation of the device: they share one mailbox.
  struct Workers {
    unsigned count = 0;
    std::set<std::string> nodes;  // the VFIO nodes that these workers may open and close
  };

  // What is left to do. `busy`: devices that others have and that are not in the desired mode.
  struct Agenda {
    std::vector<PciAddress> change;
    std::vector<PciAddress> busy;
    bool looking = false;        // a look is under way
    bool worth_waiting = false;  // a look began so lately that the other devices wait for it
    std::optional<PciAddress> failed;
  };

  // node_manager.cpp: which devices there are, and what is wanted of them
  void refresh(const PciAddress& address);
  void forget(const PciAddress& address);
  void update_requested();
  void update_wish(const PciAddress& address, DeviceRecord& record);
  DeviceRecord* find(const PciAddress& address);
  void happen(const PciAddress& address, const Event& event);
  void happen_to_all(const Event& event);

  // node_reconcile.cpp: what follows from anything
  void reconcile();
  void commit();
  Agenda make_agenda() const;
  bool blocks_fabric(const Agenda& agenda) const;
  bool carry_out(Agenda agenda);
  void settle_if_idle(const Agenda& agenda);

  // node_looks.cpp
  void start_look(const PciAddress& address, DeviceRecord& record);
  void look_finished(const LookRequest& request, const LookResult& result);
  void pause_looks(const PciAddress& address, DeviceRecord& record, const Error& why);
  static Knowledge learn_from(const LookRequest& request, const LookResult& result);
  void account_for_openings(const std::set<std::string>& nodes);
  bool node_is_ours(const std::string& node) const;
  bool wait_for_predecessor(const PciAddress& address, DeviceRecord& record);
  void watch_holder(const PciAddress& address, DeviceRecord& record);
  void work_hangs(const PciAddress& address, std::uint64_t incarnation, const Error& error);
  void worker_returned(const PciAddress& address, std::uint64_t incarnation);
  std::set<PciAddress> excluded_devices() const;
  void start_worker_at(const PciAddress& address, const DeviceRecord& record);
  void end_worker_at(const PciAddress& address);
  void let_workers_know_nodes(const PciAddress& address, const DeviceRecord& record);

  // node_mode_jobs.cpp
  Result<JobId> start_mode_job(JobKind kind, const NodeModes& wanted, const ModeOptions& options);
  Result<> check_mode(Mode mode) const;
  Result<> check_no_job() const;
  void give_up_mode_job(JobState state, ErrorKind kind, const std::string& error);
  void finish_mode_job(const Agenda& agenda);
  bool wait_for_busy(Agenda& agenda);

  // node_changes.cpp
  void start_change(const std::vector<PciAddress>& addresses);
  Result<> may_reset(const ChangeRequest& request) const;
  void reset_begins(const std::vector<PciAddress>& addresses);
  void device_finished(const ChangeRequest& request, const Result<>& result);
  void change_finished(Transition::Outcome outcome);
  void settle_automatic_change();
  std::optional<Error> why_not_right(JobId job, const std::vector<PciAddress>& addresses) const;

  // node_device_jobs.cpp
  Result<DeviceRecord*> find_for_job(const PciAddress& address);
  JobId open_device_job(JobKind kind, const PciAddress& address, DeviceJob::Stage stage);
  JobId start_device_job(JobKind kind, Work work, const PciAddress& address,
                         std::move_only_function<Result<>()> action);
  void device_job_worked(JobId id, JobKind kind, const PciAddress& address, std::uint64_t incarnation,
                         const Result<>& result);
  void close_device_job(JobId id, const Result<>& result);
  void settle_device_job();

  Parts parts_;
  Settings settings_;
  NodeModes node_modes_;
  NodeState node_;  // what is wanted of the node; its state follows from the devices
  std::string last_warning_;
  std::map<PciAddress, DeviceRecord> records_;
  std::uint64_t last_incarnation_ = 0;
  std::map<PciAddress, Workers> workers_;
  GroupUse group_use_;
  std::vector<Task> starts_;  // of workers; called when all observers were told
  JobBook jobs_;
  std::optional<ModeJob> mode_job_;
  std::optional<AutomaticChange> automatic_;
  std::optional<RunningChange> change_;
  std::optional<DeviceJob> device_job_;
  Publication publication_;
  Task settled_;
  std::shared_ptr<int> alive_ =
      std::make_shared<int>(0);  // expires before the members: late workers check it
};

}  // namespace nvccd
