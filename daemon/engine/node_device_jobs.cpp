// The part of NodeManager that does single things with one device: bind, unbind, reset.
#include <utility>

#include "daemon/engine/node_manager.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;

// Added to the time for booting: for a driver that is slow to release the device, or a reset for which the
// kernel tries one method after the other.
constexpr Duration device_job_slack = 120s;

}  // namespace

Result<DeviceRecord*> NodeManager::find_for_job(const PciAddress& address) {
  DeviceRecord* record = find(address);
  if (record == nullptr)
    return std::unexpected(Error{.kind = ErrorKind::no_such_device,
                                 .cause = "there is no such NVIDIA GPU or NVSwitch on this host",
                                 .device = address});
  if (record->care == Care::excluded)
    return std::unexpected(Error{.kind = ErrorKind::not_supported,
                                 .cause = "the settings exclude this device (managed = false)",
                                 .device = address});
  if (record->life.holder() != nullptr)
    return std::unexpected(on_device(record->life.holder()->error, address));
  if (auto free = check_no_job(); !free) return std::unexpected(free.error());
  if (workers_.contains(address))
    return std::unexpected(Error{.kind = ErrorKind::job_in_progress,
                                 .cause = "the device is being looked at",
                                 .advice = "try again in a moment",
                                 .device = address});
  return record;
}

JobId NodeManager::open_device_job(JobKind kind, const PciAddress& address, DeviceJob::Stage stage) {
  const JobId id = jobs_.open(kind, {}, {address});
  jobs_.update(id, [](JobSnapshot& job) { job.state = JobState::running; });
  device_job_ = DeviceJob{.id = id, .address = address, .stage = stage};
  return id;
}

JobId NodeManager::start_device_job(JobKind kind, Work work, const PciAddress& address,
                                    std::move_only_function<Result<>()> action) {
  const JobId id = open_device_job(kind, address, DeviceJob::Stage::working);
  DeviceRecord& record = records_.at(address);
  const std::uint64_t incarnation = record.incarnation;
  record.happen(event::LookAgain{});  // nothing is known of the device from here on
  record.happen(event::WorkStarted{.work = work, .incarnation = incarnation});
  record.work_deadline = parts_.scheduler->after(
      settings_.transition.boot_timeout + device_job_slack, [this, id, address, incarnation] {
        const Error error{.kind = ErrorKind::hardware_failed,
                          .cause = "the kernel does not come back from what was asked of it",
                          .advice = "the kernel's log may say why (journalctl -k); a reboot may be needed",
                          .device = address};
        work_hangs(address, incarnation, error);
        close_device_job(id, std::unexpected(error));
        reconcile();
      });
  start_worker_at(address, record);
  commit();
  start_with_result(
      *parts_.scheduler, std::move(action),
      [this, alive = std::weak_ptr(alive_), id, kind, address, incarnation](const Result<>& result) {
        if (!alive.expired()) device_job_worked(id, kind, address, incarnation, result);
      });
  return id;
}

void NodeManager::device_job_worked(JobId id, JobKind kind, const PciAddress& address,
                                    std::uint64_t incarnation, const Result<>& result) {
  DeviceRecord* record = find(address);
  const bool same = record != nullptr && record->incarnation == incarnation;
  // The job had been given up, or its device has gone.
  if (!device_job_ || device_job_->id != id || !same) return worker_returned(address, incarnation);
  record->work_deadline.reset();
  record->happen(event::WorkEnded{});
  if (result && kind == JobKind::unbind) record->care = Care::released;
  if (!result) {
    close_device_job(id, result);
  } else {
    // The job is over when a look has shown what the work has led to.
    device_job_->stage = DeviceJob::Stage::settling;
    if (kind == JobKind::reset)
      jobs_.update(id, [](JobSnapshot& job) {
        job.phase = JobPhase::boot;
        job.progress = 0.4;
      });
  }
  // Another card may be at the address now, which ends the job: from here on nothing is known of either card.
  refresh(address);
  end_worker_at(address);
  reconcile();
}

// Does nothing when the job has ended already.
void NodeManager::close_device_job(JobId id, const Result<>& result) {
  if (!device_job_ || device_job_->id != id) return;
  const DeviceJob job = *std::exchange(device_job_, std::nullopt);
  if (result)
    jobs_.close(id, JobState::done);
  else
    jobs_.close(id, JobState::failed, result.error().kind, on_device(result.error(), job.address).message());
}

// Called when nothing else is left to do.
void NodeManager::settle_device_job() {
  if (!device_job_ || device_job_->stage != DeviceJob::Stage::settling) return;
  const JobId id = device_job_->id;
  const DeviceRecord& record = records_.at(device_job_->address);
  const bool under_way = record.life.ours() || record.needs_look() || record.needs_change();
  if (record.managed() && record.failure() != nullptr)
    return close_device_job(id, std::unexpected(*record.failure()));
  if (record.managed() && under_way) return;
  if (record.busy()) return close_device_job(id, std::unexpected(record.life.holder()->error));
  close_device_job(id, {});
}

// The look that follows binds the device.
Result<JobId> NodeManager::bind(const PciAddress& address) {
  const auto record = find_for_job(address);
  if (!record) return std::unexpected(record.error());
  const JobId id = open_device_job(JobKind::bind, address, DeviceJob::Stage::settling);
  (*record)->care = Care::managed;
  (*record)->happen(event::LookAgain{});
  reconcile();
  return id;
}

Result<JobId> NodeManager::unbind(const PciAddress& address) {
  const auto record = find_for_job(address);
  if (!record) return std::unexpected(record.error());
  return start_device_job(JobKind::unbind, Work::unbind, address,
                          [host = parts_.host, address] { return host.devices->unbind(address); });
}

Result<JobId> NodeManager::reset(const PciAddress& address) {
  const auto record = find_for_job(address);
  if (!record) return std::unexpected(record.error());
  return start_device_job(JobKind::reset, Work::reset, address, [host = parts_.host, address]() -> Result<> {
    auto access = host.devices->acquire(address);
    if (!access) return std::unexpected(access.error());
    if (auto proven = (*access)->prove(); !proven) return proven;
    return (*access)->reset();
  });
}

}  // namespace nvccd
