// The part of NodeManager that runs single actions on one device: bind, unbind, reset.
#include <utility>

#include "engine/node_manager.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;

// Beyond a boot: a driver that takes its time to let go, or a reset of which the kernel tries each kind.
constexpr Duration device_job_slack = 120s;

}  // namespace

Result<DeviceRecord*> NodeManager::find_for_job(const PciAddress& address) {
  const auto position = records_.find(address);
  if (position == records_.end())
    return std::unexpected(Error{.kind = ErrorKind::no_such_device,
                                 .cause = "there is no such NVIDIA GPU or NVSwitch on this host",
                                 .device = address});
  DeviceRecord& record = position->second;
  if (!record.managed)
    return std::unexpected(Error{.kind = ErrorKind::not_supported,
                                 .cause = "the settings exclude this device (managed = false)",
                                 .device = address});
  if (record.snapshot.in_use)
    return std::unexpected(
        Error{.kind = ErrorKind::device_busy, .cause = "the device is in use by a VM", .device = address});
  if (auto free = check_no_job(); !free) return std::unexpected(free.error());
  if (record.ours())
    return std::unexpected(Error{.kind = ErrorKind::job_in_progress,
                                 .cause = "the device is being looked at",
                                 .advice = "try again in a moment",
                                 .device = address});
  return &record;
}

Result<JobId> NodeManager::start_device_job(JobKind kind, const PciAddress& address,
                                            std::move_only_function<Result<>()> work) {
  const JobId id = add_job(kind, {}, {address});
  device_job_ = id;
  update_job(id, [&](JobSnapshot& job) { job.state = JobState::running; });
  DeviceRecord& record = records_.at(address);
  record.changing = true;
  record.verified.reset();
  record.snapshot.state = kind == JobKind::bind ? DeviceState::binding : DeviceState::transitioning;
  publish(address);
  publish_node();
  device_job_deadline_ =
      parts_.scheduler->after(settings_.transition.boot_timeout + device_job_slack, [this, address] {
        const Error error{.kind = ErrorKind::hardware_failed,
                          .cause = "the kernel does not come back from what was asked of it",
                          .advice = "the kernel's log may say why (journalctl -k); a reboot may be needed",
                          .device = address};
        worker_hangs(address, error);
        finish_device_job(std::unexpected(error), address);
        publish_node();
        plan();
      });
  start_with_result(*parts_.scheduler, std::move(work),
                    [this, alive = std::weak_ptr(alive_), id, kind, address](const Result<>& result) {
                      if (!alive.expired()) device_job_worked(id, kind, address, result);
                    });
  return id;
}

void NodeManager::device_job_worked(JobId id, JobKind kind, const PciAddress& address,
                                    const Result<>& result) {
  if (device_job_ != id) return worker_returned(address);  // it had been given up
  device_job_deadline_.reset();
  const auto position = records_.find(address);
  // A reset is over when the look that follows has seen the device again.
  if (result && kind == JobKind::reset && position != records_.end())
    update_job(id, [](JobSnapshot& job) {
      job.phase = JobPhase::boot;
      job.progress = 0.4;
    });
  else
    finish_device_job(result, address);
  if (position == records_.end()) return plan();
  DeviceRecord& record = position->second;
  record.changing = false;
  if (result && kind != JobKind::reset) record.released = kind == JobKind::unbind;
  record.snapshot.state = DeviceState::discovered;
  set_desired(record);
  request_look(record);
  publish_node();
}

void NodeManager::finish_device_job(const Result<>& result, const PciAddress& address) {
  const JobId id = *std::exchange(device_job_, std::nullopt);
  device_job_deadline_.reset();
  if (result)
    finish_job(id, JobState::done);
  else
    finish_job(id, JobState::failed, result.error().kind, on_device(result.error(), address).message());
}

// Of a reset job: the device has been seen again, or never will be.
void NodeManager::verify_reset(const PciAddress& address, const Result<>& result) {
  if (!device_job_) return;
  const JobSnapshot& job = jobs_.at(*device_job_);
  if (job.phase == JobPhase::boot && job.devices.front() == address) finish_device_job(result, address);
}

Result<JobId> NodeManager::bind(const PciAddress& address) {
  const auto record = find_for_job(address);
  if (!record) return std::unexpected(record.error());
  const BindPolicy policy{.driver = settings_.vfio.driver,
                          .take_over_idle = settings_.vfio.takeover == Takeover::idle};
  return start_device_job(JobKind::bind, address, [host = parts_.host, address, policy] {
    return host.devices->bind(address, policy);
  });
}

Result<JobId> NodeManager::unbind(const PciAddress& address) {
  const auto record = find_for_job(address);
  if (!record) return std::unexpected(record.error());
  return start_device_job(JobKind::unbind, address, [host = parts_.host, address]() -> Result<> {
    // Held only to see that nobody else has it. The kernel waits with the unbinding for whoever has the
    // device open, and before Linux 6.1 for the group to be closed too.
    if (auto access = host.devices->acquire(address);
        !access && access.error().kind == ErrorKind::device_busy)
      return std::unexpected(access.error());
    return host.devices->unbind(address);
  });
}

Result<JobId> NodeManager::reset(const PciAddress& address) {
  const auto record = find_for_job(address);
  if (!record) return std::unexpected(record.error());
  return start_device_job(JobKind::reset, address, [host = parts_.host, address]() -> Result<> {
    auto access = host.devices->acquire(address);
    if (!access) return std::unexpected(access.error());
    return (*access)->reset();
  });
}

}  // namespace nvccd
