// The part of NodeManager that runs changes of the node's mode, and keeps the books of all jobs.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/node_manager.h"
#include "policy/desired.h"

namespace nvccd {

std::optional<JobId> NodeManager::current_job() const {
  if (transition_job_) return transition_job_;
  if (device_job_) return device_job_;
  if (mode_job_) return mode_job_->id;
  return std::nullopt;
}

// ---- the node's mode ----

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
    const auto& snapshot = record.snapshot;
    const auto desired = desired_device(settings_, mode, address, snapshot.kind, snapshot.device_id);
    if (!desired.managed || record.released || snapshot.supported_modes.empty()) continue;
    // Of a device that could not be read, what was known is of the past.
    if (record.error_kind && record.error_kind != ErrorKind::not_supported) continue;
    if (std::ranges::find(snapshot.supported_modes, desired.mode) != snapshot.supported_modes.end()) continue;
    return std::unexpected(
        Error{.kind = ErrorKind::not_supported,
              .cause = fmt::format("mode {} is not supported by this {} {} ({})", to_string(desired.mode),
                                   to_string(snapshot.architecture), to_string(snapshot.kind), snapshot.name),
              .advice = "choose another mode, or give this device one of its own in nvccd.toml",
              .device = address});
  }
  return {};
}

Result<> NodeManager::check_no_job() const {
  const auto current = transition_job_ ? transition_job_ : device_job_;
  if (!current && !mode_job_) return {};
  return std::unexpected(
      Error{.kind = ErrorKind::job_in_progress,
            .cause = fmt::format("job {} is in progress", current.value_or(mode_job_ ? mode_job_->id : 0)),
            .advice = "wait until it has finished, or cancel it"});
}

Result<JobId> NodeManager::start_mode_job(JobKind kind, const NodeModes& wanted, const ModeOptions& options) {
  const Mode target = requested_mode(settings_.mode, wanted.effective(), parts_.host_confidential).mode;
  std::vector<PciAddress> affected;
  for (const auto& [address, record] : records_) {
    const auto desired =
        desired_device(settings_, target, address, record.snapshot.kind, record.snapshot.device_id);
    if (desired.managed && !record.released && record.snapshot.mode != desired.mode)
      affected.push_back(address);
  }
  if (options.dry_run) {
    const JobId id = add_job(kind, target, affected);
    // Later, so that the caller knows the job before it ends.
    parts_.scheduler->post([this, alive = std::weak_ptr(alive_), id] {
      if (!alive.expired()) finish_job(id, JobState::done);
    });
    return id;
  }

  const bool waiting = mode_job_ && !transition_ && jobs_.at(mode_job_->id).state == JobState::waiting;
  if (!waiting)
    if (auto free = check_no_job(); !free) return std::unexpected(free.error());
  const bool wait = options.wait.value_or(settings_.transition.busy == WhenBusy::wait);
  for (const auto& address : affected) {
    const auto& snapshot = records_.at(address).snapshot;
    if (!wait && snapshot.in_use)
      return std::unexpected(Error{.kind = ErrorKind::device_busy,
                                   .cause = "the device is in use by a VM",
                                   .advice = "stop the VM, or ask for the change with waiting",
                                   .device = address});
  }
  if (auto saved = parts_.store.save(wanted); !saved) return std::unexpected(saved.error());
  // A newer wish replaces one that still waits, of which nothing comes either when this one is given up.
  NodeModes before = node_modes_;
  if (waiting) {
    const ModeJob replaced = *std::exchange(mode_job_, std::nullopt);
    before = replaced.before;
    finish_job(replaced.id, JobState::cancelled, ErrorKind::cancelled,
               "replaced by a newer change of the node's mode");
  }
  node_modes_ = wanted;
  const JobId id = add_job(kind, target, affected);
  mode_job_ = ModeJob{.id = id, .wait = wait, .before = before, .devices = affected};
  update_desired();
  look_at_everything();
  publish_node();
  parts_.scheduler->post([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) plan();  // where there is no device at all, nothing else leads to an end
  });
  return id;
}

void NodeManager::set_node_modes(const NodeModes& modes) {
  if (auto saved = parts_.store.save(modes); !saved) parts_.warn(saved.error().message());
  node_modes_ = modes;
  update_desired();
  look_at_everything();
}

// Nothing was changed; what was wanted before is wanted again.
void NodeManager::give_up_mode_job(JobState state, ErrorKind kind, const std::string& error) {
  const ModeJob job = *std::exchange(mode_job_, std::nullopt);
  finish_job(job.id, state, kind, error);
  set_node_modes(job.before);
  publish_node();
}

// Every device has been looked at or changed: the job's outcome is theirs.
void NodeManager::finish_mode_job(const Plan& plan) {
  if (plan.failed != nullptr && plan.failed->error_kind == ErrorKind::not_supported)
    return give_up_mode_job(JobState::failed, ErrorKind::not_supported, plan.failed->snapshot.error);
  const JobId id = std::exchange(mode_job_, std::nullopt)->id;
  publish_node();
  if (plan.failed != nullptr)
    finish_job(id, JobState::failed, plan.failed->error_kind, plan.failed->snapshot.error);
  else
    finish_job(id, JobState::done);
  settle_if_idle(plan);
}

Result<> NodeManager::cancel(JobId job) {
  const auto position = jobs_.find(job);
  if (position == jobs_.end())
    return std::unexpected(
        Error{.kind = ErrorKind::cancelled, .cause = fmt::format("job {} has ended", job)});
  const bool ours = transition_job_ == job;
  if (ours && transition_->cancel()) return {};
  if (!ours && mode_job_ && mode_job_->id == job) {
    give_up_mode_job(JobState::cancelled, ErrorKind::cancelled, "cancelled on request");
    return {};
  }
  return std::unexpected(Error{.kind = ErrorKind::job_in_progress,
                               .cause = fmt::format("job {} has gone too far to be cancelled", job),
                               .advice = "wait until it has finished"});
}

// ---- transitions ----

void NodeManager::run_transition(const std::vector<PciAddress>& addresses) {
  std::vector<ChangeRequest> requests;
  for (const auto& address : addresses) {
    DeviceRecord& record = records_.at(address);
    requests.push_back({.address = address, .mode = record.desired});
    record.changing = true;
    record.driver_event = false;
    record.needs_change = false;
    record.verified.reset();
    record.clear_error();
    record.snapshot.state = DeviceState::transitioning;
  }
  // A change that nobody asked for just now (start, hot-plug, release by a VM) is a job too.
  const bool for_mode_job =
      mode_job_ && std::ranges::none_of(addresses, [&](const PciAddress& address) {
        return jobs_.at(mode_job_->id).state == JobState::waiting &&
               std::ranges::find(mode_job_->devices, address) == mode_job_->devices.end();
      });
  transition_job_ =
      for_mode_job ? mode_job_->id : add_job(JobKind::set_mode, node_.requested_mode, addresses);
  transition_error_.reset();
  update_job(*transition_job_, [&](JobSnapshot& job) {
    job.state = JobState::running;
    job.devices = addresses;
  });
  transition_ = Transition::create(
      *parts_.scheduler, parts_.host, std::move(requests),
      StepLimits{.boot_timeout = settings_.transition.boot_timeout, .retries = settings_.transition.retries},
      {.progress =
           [this](JobPhase phase, double progress) {
             update_job(*transition_job_, [&](JobSnapshot& job) {
               job.phase = phase;
               job.progress = std::max(job.progress, progress);  // a second attempt begins anew
             });
           },
       .device_finished = [this](const ChangeRequest& request,
                                 const Result<>& result) { device_changed(request, result); },
       .device_hangs =
           [this](const PciAddress& address, const Error& error) {
             if (!transition_error_) transition_error_ = error;
             worker_hangs(address, error);
           },
       .device_returned =
           [this, alive = std::weak_ptr(alive_)](const PciAddress& address) {
             if (!alive.expired()) worker_returned(address);
           },
       .finished = [this](Transition::Outcome outcome) { transition_finished(outcome); }});
  for (const auto& address : addresses)
    publish(address);
  publish_node();
  transition_->start();
}

void NodeManager::device_changed(const ChangeRequest& request, const Result<>& result) {
  if (!result && !transition_error_) transition_error_ = result.error();
  const auto position = records_.find(request.address);
  if (position == records_.end()) return;  // pulled out meanwhile
  DeviceRecord& record = position->second;
  record.changing = false;
  // The driver was taken away beneath us, or came back; whatever was verified, it has to be looked at anew.
  if (std::exchange(record.driver_event, false) && has_other_driver(record)) record.look_again = true;
  if (result) {
    record.take_change(request.mode);
  } else if (result.error().kind == ErrorKind::device_busy) {
    record.snapshot.in_use = true;
    record.needs_change = true;
    record.take_error(DeviceState::busy, result.error());
    watch_holder(record);
  } else if (result.error().kind == ErrorKind::cancelled) {
    if (!record.left_alone()) record.snapshot.state = DeviceState::discovered;
    // Undone because another device was taken meanwhile, the change is still wanted.
    record.needs_change = !record.left_alone() && transition_error_->kind == ErrorKind::device_busy;
  } else {
    // Once it was reset, nobody knows its mode but itself.
    if (result.error().step != to_string(JobPhase::stage) && !result.error().step.empty())
      record.snapshot.mode.reset();
    record.take_error(DeviceState::failed, result.error());
  }
  account_for_openings(record);
  publish(request.address);
}

// Nobody waits for the worker any more, but it has the device until it comes back.
void NodeManager::worker_hangs(const PciAddress& address, const Error& error) {
  const auto position = records_.find(address);
  if (position == records_.end()) return;
  DeviceRecord& record = position->second;
  record.hangs = true;
  record.doubt();
  record.take_error(DeviceState::failed, error);
  publish(address);
}

void NodeManager::worker_returned(const PciAddress& address) {
  const auto position = records_.find(address);
  if (position == records_.end() || !position->second.changing) return;
  position->second.changing = false;
  position->second.hangs = false;
  request_look(position->second);
}

void NodeManager::transition_finished(Transition::Outcome outcome) {
  const JobId id = *std::exchange(transition_job_, std::nullopt);
  auto error = std::exchange(transition_error_, std::nullopt);
  // Whatever its registers seemed to say while it was pulled out.
  if (error && error->device && !records_.contains(*error->device)) {
    error->cause = "the device was removed in the middle of the change";
    error->advice.clear();
  }
  transition_.reset();
  const bool for_mode_job = mode_job_ && mode_job_->id == id;
  if (outcome == Transition::Outcome::cancelled && for_mode_job) {
    give_up_mode_job(JobState::cancelled, ErrorKind::cancelled, "cancelled on request");
  } else if (!for_mode_job || (error && error->kind != ErrorKind::device_busy)) {
    if (for_mode_job) mode_job_.reset();
    publish_node();
    if (error)
      finish_job(id, JobState::failed, error->kind, error->message());
    else
      finish_job(id, JobState::done);
  }
  // A look that had to wait, and whatever has appeared since.
  for (auto& [address, record] : records_)
    if (record.look_again && !record.ours()) request_look(record);
  publish_node();
  plan();
}

// ---- bookkeeping ----

JobId NodeManager::add_job(JobKind kind, std::optional<Mode> mode, std::vector<PciAddress> devices) {
  const JobId id = ++last_job_id_;
  jobs_[id] = JobSnapshot{.id = id,
                          .kind = kind,
                          .mode = mode,
                          .devices = std::move(devices),
                          .phase = kind == JobKind::reset ? JobPhase::reset : JobPhase::bind};
  notify([&](ManagerObserver& observer) { observer.job_added(id); });
  return id;
}

void NodeManager::update_job(JobId id, const std::function<void(JobSnapshot&)>& update) {
  JobSnapshot& job = jobs_.at(id);
  const JobSnapshot before = job;
  update(job);
  if (job != before) notify([&](ManagerObserver& observer) { observer.job_changed(id); });
}

void NodeManager::finish_job(JobId id, JobState state, std::optional<ErrorKind> kind,
                             const std::string& error) {
  update_job(id, [&](JobSnapshot& job) {
    job.state = state;
    job.error = error;
    job.error_kind = kind;
    if (state == JobState::done) job.progress = 1;
  });
  notify([&](ManagerObserver& observer) { observer.job_removed(id); });
  jobs_.erase(id);
}

}  // namespace nvccd
