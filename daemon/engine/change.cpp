#include "daemon/engine/change.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

namespace nvccd {
namespace {

Error at_step(Error error, JobPhase step, const PciAddress& address) {
  error.step = to_string(step);
  return on_device(std::move(error), address);
}

}  // namespace

std::expected<StagedDevice, StagingFailure> StagedDevice::stage(HostDevices& host, Clock& clock,
                                                                const ChangeRequest& request,
                                                                const StepLimits& limits) {
  bool written_to = false;
  const auto failed = [&](const Error& error) {
    return std::unexpected(StagingFailure(at_step(error, JobPhase::stage, request.address),
                                          error.kind == ErrorKind::hardware_failed && !written_to));
  };
  const auto facts = host.facts(request.address);
  if (!facts) return failed(facts.error());
  if (facts->instance != request.instance)
    return failed({.kind = ErrorKind::no_such_device, .cause = "another device has taken its place"});
  if (auto allowed = request.permission->check(); !allowed) return failed(allowed.error());
  auto access = host.acquire(request.address);
  if (!access) return failed(access.error());
  // A device that cannot be reset later is refused before anything of it was changed.
  if (auto proven = (*access)->prove(); !proven) return failed(proven.error());
  auto device = ConfidentialDevice::open(facts->kind, facts->device_id, **access, clock, limits.boot_timeout);
  if (!device) return failed(device.error());

  StagedDevice staged(*std::move(access), *std::move(device), request, limits);
  const auto stored = with_retries(limits.retries, [&] { return staged.device_.stored_knobs(request.mode); });
  if (!stored) return failed(stored.error());
  written_to = true;
  if (auto written = staged.write_knobs(*stored); !written) {
    auto error = written.error();
    if (const auto restored = staged.roll_back(); !restored)
      error.cause += fmt::format(" (and the old settings could not be put back: {})", restored.error().cause);
    return failed(error);
  }
  return staged;
}

Result<> StagedDevice::write_knobs(const std::vector<KnobSetting>& stored) {
  for (const auto& target : target_knobs(device_.chip().architecture, request_.mode)) {
    const auto old = std::ranges::find(stored, target.knob, &KnobSetting::knob);
    if (old == stored.end() || old->value == target.value) continue;
    if (auto allowed = request_.permission->check(); !allowed) return allowed;
    // Noted before the write: after a write that fails nobody knows whether it took effect.
    replaced_.push_back(*old);
    if (auto written = with_retries(limits_.retries, [&] { return device_.write_knob(target); }); !written)
      return written;
  }
  return {};
}

Result<> StagedDevice::roll_back() {
  // In reverse order the knobs pass through the same safe combinations as on the way here.
  for (const auto& knob : replaced_ | std::views::reverse)
    if (auto restored = with_retries(limits_.retries, [&] { return device_.restore_knob(knob); }); !restored)
      return std::unexpected(on_device(restored.error(), request_.address));
  replaced_.clear();
  return {};
}

Result<> StagedDevice::apply(const std::function<void(JobPhase)>& phase) {
  phase(JobPhase::reset);
  // Much may have happened since the device was staged.
  if (auto allowed = request_.permission->check(); !allowed)
    return std::unexpected(at_step(allowed.error(), JobPhase::stage, request_.address));
  if (auto proven = access_->prove(); !proven)
    return std::unexpected(at_step(proven.error(), JobPhase::stage, request_.address));
  if (auto reset = access_->reset(); !reset)
    return std::unexpected(at_step(reset.error(), JobPhase::reset, request_.address));
  phase(JobPhase::boot);
  if (auto booted = device_.wait_until_booted(limits_.boot_timeout); !booted)
    return std::unexpected(at_step(booted.error(), JobPhase::boot, request_.address));
  phase(JobPhase::verify);
  if (auto verified = with_retries(limits_.retries, [&] { return verify(); }); !verified)
    return std::unexpected(at_step(verified.error(), JobPhase::verify, request_.address));
  return {};
}

Result<> StagedDevice::verify() {
  const auto active = device_.active_mode();
  if (!active) return std::unexpected(active.error());
  if (active->mode != request_.mode)
    return std::unexpected(
        Error{.kind = ErrorKind::hardware_failed,
              .cause = fmt::format(
                  "after the reset the device is in mode {} instead of {} (mode register reads {:#010x})",
                  to_string(active->mode), to_string(request_.mode), active->word),
              .advice = "set the mode again; if that does not help, power-cycle the device"});
  const auto stored = device_.stored_knobs(request_.mode);
  if (!stored) return std::unexpected(stored.error());
  if (!holds_target(*stored, device_.chip().architecture, request_.mode))
    return std::unexpected(Error{.kind = ErrorKind::hardware_failed,
                                 .cause = "the device's stored settings changed during the reset",
                                 .advice = "set the mode again"});
  return {};
}

}  // namespace nvccd
