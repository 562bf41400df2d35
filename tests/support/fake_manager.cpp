#include "fake_manager.h"

namespace nvccd::test {

DeviceSnapshot hopper_gpu(const std::string& address) {
  return {.address = PciAddress::parse(address).value(),
          .kind = DeviceKind::gpu,
          .vendor_id = 0x10de,
          .device_id = 0x2330,
          .name = "GH100 [H100 SXM5 80GB]",
          .architecture = Architecture::hopper,
          .supported_modes = {Mode::off, Mode::on, Mode::devtools, Mode::ppcie},
          .driver = "vfio-pci",
          .iommu_group = 65,
          .vfio_group = "/dev/vfio/65",
          .vfio_device = "/dev/vfio/devices/vfio0",
          .numa_node = 0,
          .mode = Mode::on,
          .requested_mode = Mode::on,
          .state = DeviceState::ready};
}

DeviceSnapshot ls10_switch(const std::string& address) {
  DeviceSnapshot device = hopper_gpu(address);
  device.kind = DeviceKind::nvswitch;
  device.device_id = 0x22a3;
  device.name = "GH100 [H100 NVSwitch]";
  device.architecture = Architecture::ls10;
  device.supported_modes = {Mode::off, Mode::ppcie};
  device.mode = device.requested_mode = Mode::off;
  return device;
}

void FakeManager::tell(const std::function<void(ManagerObserver&)>& news) {
  for (ManagerObserver* observer : observers_)
    news(*observer);
}

void FakeManager::appear(const DeviceSnapshot& device) {
  devices_.insert_or_assign(device.address, device);
  tell([&](ManagerObserver& observer) { observer.device_added(device.address); });
}

void FakeManager::disappear(const std::string& address) {
  const PciAddress key = PciAddress::parse(address).value();
  devices_.erase(key);
  tell([&](ManagerObserver& observer) { observer.device_removed(key); });
}

void FakeManager::change_device(const std::string& address,
                                const std::function<void(DeviceSnapshot&)>& change) {
  const PciAddress key = PciAddress::parse(address).value();
  change(devices_.at(key));
  tell([&](ManagerObserver& observer) { observer.device_changed(key); });
}

void FakeManager::change_node(const std::function<void(NodeState&)>& change) {
  change(node_);
  tell([](ManagerObserver& observer) { observer.node_changed(); });
}

JobId FakeManager::start_job(JobSnapshot job) {
  const JobId id = job.id = ++last_job_;
  jobs_.emplace(id, std::move(job));
  tell([&](ManagerObserver& observer) { observer.job_added(id); });
  if (on_new_job) on_new_job(id);
  return id;
}

void FakeManager::change_job(JobId id, const std::function<void(JobSnapshot&)>& change) {
  change(jobs_.at(id));
  tell([&](ManagerObserver& observer) { observer.job_changed(id); });
}

void FakeManager::end_job(JobId id, JobState state, const std::optional<Error>& error) {
  JobSnapshot& job = jobs_.at(id);
  job.state = state;
  if (error) {
    job.error = error->message();
    job.error_kind = error->kind;
  }
  tell([&](ManagerObserver& observer) { observer.job_removed(id); });
  jobs_.erase(id);
  tell([](ManagerObserver& observer) { observer.node_changed(); });
}

std::optional<JobId> FakeManager::current_job() const {
  if (jobs_.empty()) return std::nullopt;
  return jobs_.begin()->first;
}

Result<JobId> FakeManager::set_mode(Mode mode, const ModeOptions& options) {
  set_mode_requests.push_back({mode, options});
  if (refusal) return std::unexpected(*refusal);
  if (join) {
    if (on_new_job) on_new_job(*join);
    return *join;
  }
  return start_job({.mode = mode, .devices = addresses(), .state = JobState::running});
}

Result<JobId> FakeManager::clear_mode(const ModeOptions& options) {
  clear_mode_requests.push_back(options);
  if (refusal) return std::unexpected(*refusal);
  return start_job({.kind = JobKind::clear_mode,
                    .mode = node_.default_mode,
                    .devices = addresses(),
                    .state = JobState::running});
}

Result<JobId> FakeManager::device_job(JobKind kind, const PciAddress& address) {
  requests.push_back(std::string(to_string(kind)) + " " + to_string(address));
  if (refusal) return std::unexpected(*refusal);
  return start_job({.kind = kind, .devices = {address}, .state = JobState::running});
}

Result<> FakeManager::cancel(JobId job) {
  requests.push_back("cancel " + std::to_string(job));
  if (refusal) return std::unexpected(*refusal);
  if (on_cancel)
    on_cancel(job);
  else
    end_job(job, JobState::cancelled, Error{.kind = ErrorKind::cancelled, .cause = "cancelled by its user"});
  return {};
}

Result<> FakeManager::reload() {
  requests.emplace_back("reload");
  if (refusal) return std::unexpected(*refusal);
  return {};
}

std::vector<PciAddress> FakeManager::addresses() const {
  std::vector<PciAddress> all;
  for (const auto& [address, device] : devices_)
    all.push_back(address);
  return all;
}

}  // namespace nvccd::test
