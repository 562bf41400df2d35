#include "daemon/engine/transition.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace nvccd {
namespace {

using namespace std::chrono_literals;

// Added to the time for booting: what the kernel may spend in a reset (it polls a silent device for 60 s),
// and the firmware in the mailbox. A worker that takes longer hangs.
constexpr Duration slack = 90s;
constexpr Duration retry_slack = 30s;

double progress_at(JobPhase phase) {
  switch (phase) {
    case JobPhase::evict:
    case JobPhase::bind:
    case JobPhase::stage:
      return 0;
    case JobPhase::reset:
      return 0.2;
    case JobPhase::boot:
      return 0.4;
    case JobPhase::verify:
      return 0.9;
  }
  return 0;
}

Error undone_because_of(const Error& refusal) {
  Error error = refusal;
  error.device.reset();
  error.step.clear();
  // That another device is in use says nothing against this one.
  if (refusal.kind == ErrorKind::device_busy) error.kind = ErrorKind::cancelled;
  error.cause = fmt::format("left as it was, because the change failed elsewhere ({}{})",
                            refusal.device ? to_string(*refusal.device) + ": " : "", refusal.cause);
  return error;
}

}  // namespace

std::shared_ptr<Transition> Transition::create(Scheduler& scheduler, Host host,
                                               std::vector<ChangeRequest> requests, const StepLimits& limits,
                                               Callbacks callbacks) {
  std::shared_ptr<Transition> transition(
      new Transition(scheduler, std::move(host), std::move(requests), limits, std::move(callbacks)));
  transition->self_ = transition;
  return transition;
}

Transition::Transition(Scheduler& scheduler, Host host, std::vector<ChangeRequest> requests,
                       const StepLimits& limits, Callbacks callbacks)
    : scheduler_(scheduler), host_(std::move(host)), limits_(limits), callbacks_(std::move(callbacks)) {
  for (auto& request : requests)
    devices_.try_emplace(request.address, Device{.request = request});
}

// Each stage has the whole time again.
void Transition::start_deadline() {
  deadline_ = scheduler_.after(limits_.boot_timeout + slack + (limits_.retries + 1) * retry_slack,
                               [this] { out_of_time(); });
}

void Transition::start() {
  start_deadline();
  for (auto& [address, device] : devices_) {
    device.worker_running = true;
    start_with_result(
        scheduler_,
        [host = host_, request = device.request, limits = limits_]() -> Staging {
          auto staged = StagedDevice::stage(*host.devices, *host.clock, request, limits);
          if (!staged) return std::unexpected(staged.error());
          return std::make_shared<StagedDevice>(*std::move(staged));
        },
        [self = self_, address, request = device.request, &scheduler = scheduler_,
         returned = callbacks_.device_returned](Staging staged) {
          const auto transition = self.lock();
          if (transition && transition->waits_for(address))
            return transition->device_staged(address, std::move(staged));
          if (!staged) return returned(request);
          // The worker hung for so long that nobody waits for it any more; its device gets the old knobs all
          // the same.
          scheduler.start(
              [late = *std::move(staged)]() mutable {
                (void)late->roll_back();
                late.reset();
              },
              [returned, request] { returned(request); });
        });
  }
  report_progress();
}

// In ppcie the devices are one fabric: all of them change, or none.
bool Transition::goes_on_without(const StagingFailure& failure) const {
  return failure.ill && std::ranges::none_of(devices_, [](const auto& entry) {
           return entry.second.request.mode == Mode::ppcie;
         });
}

void Transition::device_staged(const PciAddress& address, Staging staged) {
  Device& device = devices_.at(address);
  device.worker_running = false;
  if (staged) {
    device.staged = *std::move(staged);
    device.progress = progress_at(JobPhase::reset);
    report_progress();
  } else
    finish_device(device, std::unexpected(staged.error().error));
  if (stage_ == Stage::staging && !staged && !refusal_ && !goes_on_without(staged.error()))
    refusal_ = staged.error().error;
  if (workers_running()) return;
  if (stage_ == Stage::staging) all_staged();
}

void Transition::all_staged() {
  for (const auto& [address, device] : devices_)
    if (const auto may = callbacks_.may_reset(device.request); device.staged && !may && !refusal_)
      refusal_ = may.error();
  if (refusal_ || cancelled_)
    roll_back();
  else
    apply();
}

void Transition::roll_back() {
  stage_ = Stage::rolling_back;
  start_deadline();
  for (auto& [address, device] : devices_) {
    if (!device.staged) continue;
    device.worker_running = true;
    start_with_result(
        scheduler_,
        [staged = std::exchange(device.staged, nullptr)]() mutable {
          auto result = staged->roll_back();
          staged.reset();  // releases the device, which may take long, here and not on the loop
          return result;
        },
        [self = self_, address, request = device.request,
         returned = callbacks_.device_returned](const Result<>& result) {
          const auto transition = self.lock();
          if (!transition || !transition->waits_for(address)) return returned(request);
          Device& rolled_back = transition->devices_.at(address);
          rolled_back.worker_running = false;
          Error error = !result ? result.error()
                        : transition->refusal_
                            ? undone_because_of(*transition->refusal_)
                            : Error{.kind = ErrorKind::cancelled, .cause = "the change was cancelled"};
          transition->finish_device(rolled_back, std::unexpected(on_device(std::move(error), address)));
          transition->check_finished();
        });
  }
  check_finished();
}

void Transition::apply() {
  stage_ = Stage::applying;
  start_deadline();
  std::vector<PciAddress> addresses;
  for (const auto& [address, device] : devices_)
    if (device.staged) addresses.push_back(address);
  if (addresses.empty()) return check_finished();
  callbacks_.reset_begins(addresses);
  for (const auto& address : addresses) {
    Device& device = devices_.at(address);
    device.worker_running = true;
    device.phase = JobPhase::reset;
    auto phase_changed = [self = self_, address, &scheduler = scheduler_](JobPhase phase) {
      scheduler.post([self, address, phase] {
        if (const auto transition = self.lock()) transition->device_in_phase(address, phase);
      });
    };
    start_with_result(
        scheduler_,
        [staged = std::exchange(device.staged, nullptr), phase_changed]() mutable {
          auto result = staged->apply(phase_changed);
          staged.reset();
          return result;
        },
        [self = self_, address, request = device.request,
         returned = callbacks_.device_returned](Result<> result) {
          const auto transition = self.lock();
          if (!transition || !transition->waits_for(address)) return returned(request);
          Device& applied = transition->devices_.at(address);
          applied.worker_running = false;
          transition->finish_device(applied, std::move(result));
          transition->check_finished();
        });
  }
}

void Transition::device_in_phase(const PciAddress& address, JobPhase phase) {
  Device& device = devices_.at(address);
  if (device.result) return;
  device.phase = phase;
  device.progress = progress_at(phase);
  report_progress();
}

void Transition::finish_device(Device& device, Result<> result) {
  device.progress = 1;
  device.result = std::move(result);
  callbacks_.device_finished(device.request, *device.result);
  if (stage_ == Stage::applying) report_progress();
}

bool Transition::cancel() {
  if (stage_ != Stage::staging) return false;
  cancelled_ = true;
  return true;
}

// A worker that still runs hangs in the kernel or in the firmware. The other devices must not wait for it.
void Transition::out_of_time() {
  const auto keep = self_.lock();
  for (auto& [address, device] : devices_) {
    if (device.result || !device.worker_running) continue;
    Error error{
        .kind = ErrorKind::hardware_failed,
        .cause = "the device did not finish this step in time; the kernel may still be waiting for it",
        .advice = "reset or power-cycle the device",
        .step = std::string(to_string(device.phase)),
        .device = address};
    if (stage_ == Stage::staging && !refusal_) refusal_ = error;
    device.progress = 1;
    device.worker_running = false;
    callbacks_.device_hangs(device.request, error);
    device.result = std::unexpected(std::move(error));
  }
  if (stage_ == Stage::staging)
    all_staged();
  else
    check_finished();
}

bool Transition::workers_running() const {
  return std::ranges::any_of(devices_, [](const auto& entry) { return entry.second.worker_running; });
}

void Transition::report_progress() {
  double sum = 0;
  std::optional<JobPhase> slowest;
  for (const auto& [address, device] : devices_) {
    sum += device.progress;
    if (!device.result && (!slowest || device.phase < *slowest)) slowest = device.phase;
  }
  phase_ = slowest.value_or(phase_);
  callbacks_.progress(phase_, devices_.empty() ? 1 : sum / static_cast<double>(devices_.size()));
}

void Transition::check_finished() {
  if (stage_ == Stage::finished || workers_running()) return;
  stage_ = Stage::finished;
  deadline_.reset();
  const bool all_done =
      std::ranges::all_of(devices_, [](const auto& entry) { return entry.second.result->has_value(); });
  const auto keep = self_.lock();  // the callback may destroy this transition
  callbacks_.finished(all_done                  ? Outcome::done
                      : cancelled_ && !refusal_ ? Outcome::cancelled
                                                : Outcome::failed);
}

}  // namespace nvccd
