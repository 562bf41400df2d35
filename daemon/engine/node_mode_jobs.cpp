// The part of NodeManager that is asked to change the node's mode.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/policy/desired.h"
#include "daemon/engine/node_manager.h"

namespace nvccd {

std::optional<JobId> NodeManager::current_job() const {
  if (change_) return change_->id;
  if (device_job_) return device_job_->id;
  if (mode_job_) return mode_job_->id;
  if (automatic_) return automatic_->id;
  return std::nullopt;
}

Result<JobId> NodeManager::set_mode(Mode mode, const ModeOptions& options) {
  if (auto possible = check_mode(mode); !possible) return std::unexpected(possible.error());
  const NodeModes wanted = options.persist ? NodeModes{.lasting = mode, .transient = {}}
                                           : NodeModes{.lasting = node_modes_.lasting, .transient = mode};
  return start_mode_job(JobKind::set_mode, wanted, options);
}

Result<JobId> NodeManager::clear_mode(const ModeOptions& options) {
  return start_mode_job(JobKind::clear_mode, {}, options);
}

// Whether the devices can do the mode, as far as is known before they are looked at again.
Result<> NodeManager::check_mode(Mode mode) const {
  for (const auto& [address, record] : records_) {
    const auto& facts = record.facts;
    const auto desired = desired_device(settings_, mode, address, facts.kind, facts.device_id);
    if (!desired.managed || record.care == Care::released || record.supported_modes.empty()) continue;
    // What was known of a device that could not be read is of the past.
    if (const auto* broken = record.broken();
        broken != nullptr && broken->error.kind != ErrorKind::not_supported)
      continue;
    if (std::ranges::find(record.supported_modes, desired.mode) != record.supported_modes.end()) continue;
    return std::unexpected(
        Error{.kind = ErrorKind::not_supported,
              .cause = fmt::format("mode {} is not supported by this {} {} ({})", to_string(desired.mode),
                                   to_string(record.architecture), to_string(facts.kind), facts.name),
              .advice = "choose another mode, or give this device one of its own in nvccd.toml",
              .device = address});
  }
  return {};
}

Result<> NodeManager::check_no_job() const {
  const auto current = current_job();
  if (!current) return {};
  return std::unexpected(Error{.kind = ErrorKind::job_in_progress,
                               .cause = fmt::format("job {} is in progress", *current),
                               .advice = "wait until it has finished, or cancel it"});
}

Result<JobId> NodeManager::start_mode_job(JobKind kind, const NodeModes& wanted, const ModeOptions& options) {
  const Mode target = requested_mode(settings_.mode, wanted.effective(), parts_.host_confidential).mode;
  std::vector<PciAddress> affected;
  for (const auto& [address, record] : records_) {
    const auto desired =
        desired_device(settings_, target, address, record.facts.kind, record.facts.device_id);
    if (desired.managed && record.care != Care::released && record.life.trusted() != desired.mode)
      affected.push_back(address);
  }
  if (options.dry_run) {
    const JobId id = jobs_.open(kind, target, affected);
    commit();
    // In a later turn of the loop, so that the caller knows the job before it ends.
    parts_.scheduler->post([this, alive = std::weak_ptr(alive_), id] {
      if (alive.expired()) return;
      jobs_.close(id, JobState::done);
      commit();
    });
    return id;
  }

  const bool replaces = mode_job_ && !change_ && jobs_.jobs().at(mode_job_->id).state == JobState::waiting;
  if (!replaces)
    if (auto free = check_no_job(); !free) return std::unexpected(free.error());
  const bool wait = options.wait.value_or(settings_.transition.busy == WhenBusy::wait);
  for (const auto& address : affected)
    if (const auto* holder = records_.at(address).life.holder(); holder != nullptr && !wait)
      return std::unexpected(on_device(holder->error, address));
  if (auto saved = parts_.store.save(wanted); !saved) return std::unexpected(saved.error());
  // A newer request replaces a job that still waits. If the new job is given up, nothing comes of the
  // replaced one either: the mode from before both is wanted again.
  NodeModes before = node_modes_;
  if (replaces) {
    const ModeJob replaced = *std::exchange(mode_job_, std::nullopt);
    before = replaced.before;
    jobs_.close(replaced.id, JobState::cancelled, ErrorKind::cancelled,
                "replaced by a newer change of the node's mode");
  }
  node_modes_ = wanted;
  const JobId id = jobs_.open(kind, target, affected);
  mode_job_ = ModeJob{.id = id, .wait = wait, .before = before, .devices = affected, .has_reset = false};
  update_requested();
  // What was verified needs no look; what failed before gets another chance.
  for (auto& [address, record] : records_)
    if (!record.life.trusted()) record.happen(event::LookAgain{});
  commit();
  // In a later turn of the loop, so that the caller knows the job before it ends.
  parts_.scheduler->post([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) reconcile();
  });
  return id;
}

// No device was changed, so the mode that was wanted before the job is wanted again.
void NodeManager::give_up_mode_job(JobState state, ErrorKind kind, const std::string& error) {
  const ModeJob job = *std::exchange(mode_job_, std::nullopt);
  jobs_.close(job.id, state, kind, error);
  if (auto saved = parts_.store.save(job.before); !saved) parts_.warn(saved.error().message());
  node_modes_ = job.before;
  update_requested();
}

// Every device has been looked at or changed: their states are the job's outcome.
void NodeManager::finish_mode_job(const Agenda& agenda) {
  if (!agenda.failed) {
    const ModeJob job = *std::exchange(mode_job_, std::nullopt);
    if (const auto error = why_not_right(job.id, job.devices))
      jobs_.close(job.id, JobState::failed, error->kind, error->message());
    else
      jobs_.close(job.id, JobState::done);
    return;
  }
  const Error error = *records_.at(*agenda.failed).failure();
  // A refusal changes no device, so the mode from before the job is wanted again. A broken device keeps the
  // node from being ready in any mode, so there the job's mode stays wanted.
  if (!mode_job_->has_reset &&
      (error.kind == ErrorKind::not_supported || node_.requested_mode == Mode::ppcie))
    return give_up_mode_job(JobState::failed, error.kind, error.message());
  jobs_.close(std::exchange(mode_job_, std::nullopt)->id, JobState::failed, error.kind, error.message());
}

// All of the job's devices change together, so the job waits for those in use; other devices need not wait.
// False: the job does not wait, and has ended.
bool NodeManager::wait_for_busy(Agenda& agenda) {
  if (!mode_job_->wait) {
    const DeviceRecord& held = records_.at(agenda.busy.front());
    const Error busy{.kind = ErrorKind::device_busy, .cause = "the device is in use"};
    const Error error =
        on_device(held.life.holder() != nullptr ? held.life.holder()->error : busy, agenda.busy.front());
    give_up_mode_job(JobState::failed, ErrorKind::device_busy, error.message());
    return false;
  }
  auto& together = mode_job_->devices;
  const auto is_together = [&](const PciAddress& address) {
    return std::ranges::find(together, address) != together.end();
  };
  for (const auto& address : agenda.busy)
    if (!is_together(address)) together.push_back(address);
  jobs_.update(mode_job_->id, [&](JobSnapshot& job) {
    job.state = JobState::waiting;
    job.phase = JobPhase::evict;
    job.devices = together;
  });
  std::erase_if(agenda.change, is_together);
  return true;
}

Result<> NodeManager::cancel(JobId job) {
  if (jobs_.find(job) == nullptr)
    return std::unexpected(
        Error{.kind = ErrorKind::cancelled, .cause = fmt::format("job {} has ended", job)});
  const bool has_reset = (mode_job_ && mode_job_->id == job && mode_job_->has_reset) ||
                         (automatic_ && automatic_->id == job && automatic_->has_reset);
  if (change_ && change_->id == job && !has_reset) {
    if (change_->transition->cancel()) return {};
  } else if (mode_job_ && mode_job_->id == job && !has_reset) {
    give_up_mode_job(JobState::cancelled, ErrorKind::cancelled, "cancelled on request");
    reconcile();
    return {};
  }
  return std::unexpected(Error{.kind = ErrorKind::job_in_progress,
                               .cause = fmt::format("job {} has gone too far to be cancelled", job),
                               .advice = "wait until it has finished"});
}

}  // namespace nvccd
