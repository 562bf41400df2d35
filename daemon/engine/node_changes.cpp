// The part of NodeManager that changes devices: several at a time, in a Transition.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/engine/node_manager.h"

namespace nvccd {

void NodeManager::start_change(const std::vector<PciAddress>& addresses) {
  std::vector<ChangeRequest> requests;
  for (const auto& address : addresses) {
    DeviceRecord& record = records_.at(address);
    record.happen(event::WorkStarted{.work = Work::change, .incarnation = record.incarnation});
    requests.push_back({.address = address,
                        .instance = record.facts.instance,
                        .ticket = std::get<Ours>(record.life.custody()).ticket,
                        .permission = record.permission,
                        .mode = record.desired});
    start_worker_at(address, record);
  }
  // A change that nobody asked for just now (start, hot-plug, release by a VM) is a job too. While a mode job
  // waits, devices that are not part of it change without it.
  const bool for_mode_job =
      mode_job_ && std::ranges::none_of(addresses, [&](const PciAddress& address) {
        return jobs_.jobs().at(mode_job_->id).state == JobState::waiting &&
               std::ranges::find(mode_job_->devices, address) == mode_job_->devices.end();
      });
  if (!for_mode_job && !automatic_)
    automatic_ = AutomaticChange{.id = jobs_.open(JobKind::set_mode, node_.requested_mode, addresses),
                                 .devices = {},
                                 .has_reset = false};
  const JobId id = for_mode_job ? mode_job_->id : automatic_->id;
  if (!for_mode_job)
    for (const auto& address : addresses)
      if (std::ranges::find(automatic_->devices, address) == automatic_->devices.end())
        automatic_->devices.push_back(address);
  jobs_.update(id, [&](JobSnapshot& job) {
    job.state = JobState::running;
    job.devices = for_mode_job ? addresses : automatic_->devices;
    if (!for_mode_job) job.mode = node_.requested_mode;
  });
  auto transition = Transition::create(
      *parts_.scheduler, parts_.host, std::move(requests),
      StepLimits{.boot_timeout = settings_.transition.boot_timeout, .retries = settings_.transition.retries},
      {.progress =
           [this, id](JobPhase phase, double progress) {
             jobs_.update(id, [&](JobSnapshot& job) {
               job.phase = phase;
               job.progress = std::max(job.progress, progress);  // a second attempt begins anew
             });
             commit();
           },
       .may_reset = [this](const ChangeRequest& request) { return may_reset(request); },
       .reset_begins = [this](const std::vector<PciAddress>& devices) { reset_begins(devices); },
       .device_finished = [this](const ChangeRequest& request,
                                 const Result<>& result) { device_finished(request, result); },
       .device_hangs =
           [this](const ChangeRequest& request, const Error& error) {
             if (!change_->error) change_->error = error;
             work_hangs(request.address, request.ticket.incarnation, error);
           },
       .device_returned =
           [this, alive = std::weak_ptr(alive_)](const ChangeRequest& request) {
             if (!alive.expired()) worker_returned(request.address, request.ticket.incarnation);
           },
       .finished = [this](Transition::Outcome outcome) { change_finished(outcome); }});
  change_ = RunningChange{.id = id, .transition = transition, .error = std::nullopt};
  starts_.emplace_back([transition] { transition->start(); });
}

// Asked when all devices are staged: much may have happened since the change began.
Result<> NodeManager::may_reset(const ChangeRequest& request) const {
  const auto position = records_.find(request.address);
  const bool same = position != records_.end() && position->second.incarnation == request.ticket.incarnation;
  if (same && position->second.managed()) return {};
  return std::unexpected(
      Error{.kind = same ? ErrorKind::cancelled : ErrorKind::no_such_device,
            .cause = same ? "the settings exclude the device since the change began, so it was not reset"
                          : "the device was removed in the middle of the change",
            .step = std::string(to_string(JobPhase::stage)),
            .device = request.address});
}

void NodeManager::reset_begins(const std::vector<PciAddress>& addresses) {
  for (const auto& address : addresses)
    happen(address, event::ResetBegins{});
  if (mode_job_ && mode_job_->id == change_->id) mode_job_->has_reset = true;
  if (automatic_ && automatic_->id == change_->id) automatic_->has_reset = true;
  commit();
}

void NodeManager::device_finished(const ChangeRequest& request, const Result<>& result) {
  if (!result && !change_->error) change_->error = result.error();
  DeviceRecord* record = find(request.address);
  if (record == nullptr || record->incarnation != request.ticket.incarnation) {
    end_worker_at(request.address);
    return happen(request.address, event::LookAgain{});
  }
  event::ChangeDone done{.ticket = request.ticket, .found = std::nullopt, .in_use = std::nullopt};
  if (result)
    done.found = Verified{request.mode};
  else if (result.error().kind == ErrorKind::device_busy)
    done.in_use = result.error();
  else if (result.error().kind != ErrorKind::cancelled)
    done.found =
        Broken{.error = result.error(),
               // After a reset, only the device itself knows its mode.
               .active = result.error().step == to_string(JobPhase::stage) || result.error().step.empty()
                             ? record->life.trusted()
                             : std::nullopt};
  record->happen(done);
  end_worker_at(request.address);
  watch_holder(request.address, *record);
}

void NodeManager::change_finished(Transition::Outcome outcome) {
  RunningChange change = *std::exchange(change_, std::nullopt);
  const bool for_mode_job = mode_job_ && mode_job_->id == change.id;
  // The removal is the cause, whatever the registers seemed to say while the device was pulled out.
  if (change.error && change.error->device && !records_.contains(*change.error->device)) {
    change.error->cause = "the device was removed in the middle of the change";
    change.error->advice.clear();
  }
  if (outcome == Transition::Outcome::cancelled) {
    if (for_mode_job) {
      give_up_mode_job(JobState::cancelled, ErrorKind::cancelled, "cancelled on request");
    } else {
      automatic_.reset();
      jobs_.close(change.id, JobState::cancelled, ErrorKind::cancelled, "cancelled on request");
      // A change that nobody asked for begins again only when somebody asks for it.
      for (auto& [address, record] : records_)
        if (change.transition->involves(address) && record.needs_change())
          record.happen(event::GivenUp{{.kind = ErrorKind::cancelled,
                                        .cause = "the change was cancelled on request",
                                        .advice = "nvccctl rescan or nvccctl set-mode begins it again",
                                        .device = address}});
    }
  } else if (for_mode_job && !mode_job_->has_reset && change.error &&
             change.error->kind == ErrorKind::not_supported) {
    give_up_mode_job(JobState::failed, change.error->kind, change.error->message());
  } else if (change.error && (!for_mode_job || (change.error->kind != ErrorKind::device_busy &&
                                                change.error->kind != ErrorKind::cancelled))) {
    for_mode_job ? mode_job_.reset() : automatic_.reset();
    jobs_.close(change.id, JobState::failed, change.error->kind, change.error->message());
  }
  reconcile();
}

// What keeps these devices from being as the job wants them; nullopt: nothing does.
std::optional<Error> NodeManager::why_not_right(JobId job, const std::vector<PciAddress>& addresses) const {
  if (jobs_.jobs().at(job).mode != node_.requested_mode)
    return Error{.kind = ErrorKind::cancelled,
                 .cause = fmt::format("the settings ask for mode {} since the change began",
                                      to_string(node_.requested_mode))};
  for (const auto& address : addresses) {
    const auto position = records_.find(address);
    const auto failed = [&](ErrorKind kind, const char* cause) {
      return Error{.kind = kind, .cause = cause, .device = address};
    };
    if (position == records_.end())
      return failed(ErrorKind::no_such_device, "the device was removed in the middle of the change");
    const DeviceRecord& record = position->second;
    if (!record.managed())
      return failed(ErrorKind::cancelled, "the device was excluded in the middle of the change");
    if (const auto* error = record.failure()) return on_device(*error, address);
    if (record.right()) continue;
    if (record.life.holder() != nullptr) return on_device(record.life.holder()->error, address);
    return failed(ErrorKind::cancelled, "the device could not be changed with the rest of its node");
  }
  return std::nullopt;
}

void NodeManager::settle_automatic_change() {
  if (!automatic_ || change_) return;
  const Agenda agenda = make_agenda();
  for (const auto& address : automatic_->devices) {
    const DeviceRecord* record = find(address);
    if (record == nullptr || !record->managed() || record->life.hangs()) continue;
    if (record->life.ours() || record->needs_look()) return;
    if (record->needs_change() && !blocks_fabric(agenda)) return;
  }
  const AutomaticChange ended = *std::exchange(automatic_, std::nullopt);
  if (const auto error = why_not_right(ended.id, ended.devices))
    jobs_.close(ended.id, JobState::failed, error->kind, error->message());
  else
    jobs_.close(ended.id, JobState::done);
}

}  // namespace nvccd
