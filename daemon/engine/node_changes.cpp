// The part of NodeManager that changes devices: several at a time, in a Transition.
#include <algorithm>
#include <utility>

#include "engine/node_manager.h"

namespace nvccd {

void NodeManager::start_change(const std::vector<PciAddress>& addresses) {
  std::vector<ChangeRequest> requests;
  for (const auto& address : addresses) {
    DeviceRecord& record = records_.at(address);
    record.happen(event::WorkStarted{.work = Work::change, .incarnation = record.incarnation});
    requests.push_back({.address = address,
                        .instance = record.facts.instance,
                        .ticket = std::get<Ours>(record.life.custody()).ticket,
                        .mode = record.desired});
    start_worker_at(address);
  }
  // A change that nobody asked for just now (start, hot-plug, release by a VM) is a job too. While a mode job
  // waits, others change without it.
  const bool for_mode_job =
      mode_job_ && std::ranges::none_of(addresses, [&](const PciAddress& address) {
        return jobs_.jobs().at(mode_job_->id).state == JobState::waiting &&
               std::ranges::find(mode_job_->devices, address) == mode_job_->devices.end();
      });
  const JobId id =
      for_mode_job ? mode_job_->id : jobs_.open(JobKind::set_mode, node_.requested_mode, addresses);
  jobs_.update(id, [&](JobSnapshot& job) {
    job.state = JobState::running;
    job.devices = addresses;
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

// Asked when all are staged: much may have happened since.
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
  if (mode_job_) mode_job_->has_reset = true;
  commit();
}

void NodeManager::device_finished(const ChangeRequest& request, const Result<>& result) {
  end_worker_at(request.address);
  if (!result && !change_->error) change_->error = result.error();
  DeviceRecord* record = find(request.address);
  if (record == nullptr || record->incarnation != request.ticket.incarnation) {
    happen(request.address, event::LookAgain{});
    return;
  }
  event::ChangeDone done{.ticket = request.ticket, .found = std::nullopt, .in_use = std::nullopt};
  if (result)
    done.found = Verified{request.mode};
  else if (result.error().kind == ErrorKind::device_busy)
    done.in_use = result.error();
  else if (result.error().kind != ErrorKind::cancelled)
    done.found =
        Broken{.error = result.error(),
               // Once it was reset, nobody knows its mode but itself.
               .active = result.error().step == to_string(JobPhase::stage) || result.error().step.empty()
                             ? record->life.trusted()
                             : std::nullopt};
  record->happen(done);
  account_for_openings(*record);
  watch_holder(request.address, *record);
}

void NodeManager::change_finished(Transition::Outcome outcome) {
  RunningChange change = *std::exchange(change_, std::nullopt);
  const bool for_mode_job = mode_job_ && mode_job_->id == change.id;
  // Whatever its registers seemed to say while it was pulled out.
  if (change.error && change.error->device && !records_.contains(*change.error->device)) {
    change.error->cause = "the device was removed in the middle of the change";
    change.error->advice.clear();
  }
  if (outcome == Transition::Outcome::cancelled) {
    if (for_mode_job) {
      give_up_mode_job(JobState::cancelled, ErrorKind::cancelled, "cancelled on request");
    } else {
      jobs_.close(change.id, JobState::cancelled, ErrorKind::cancelled, "cancelled on request");
      // What nobody asked for begins again only when somebody asks for it.
      for (auto& [address, record] : records_)
        if (change.transition->involves(address) && record.needs_change())
          record.happen(event::GivenUp{{.kind = ErrorKind::cancelled,
                                        .cause = "the change was cancelled on request",
                                        .advice = "nvccctl rescan or nvccctl set-mode begins it again",
                                        .device = address}});
    }
  } else if (!for_mode_job || (change.error && change.error->kind != ErrorKind::device_busy &&
                               change.error->kind != ErrorKind::cancelled)) {
    if (for_mode_job) mode_job_.reset();
    if (change.error)
      jobs_.close(change.id, JobState::failed, change.error->kind, change.error->message());
    else
      jobs_.close(change.id, JobState::done);
  }
  reconcile();
}

}  // namespace nvccd
