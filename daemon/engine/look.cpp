#include "daemon/engine/look.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/hardware/confidential_device.h"
#include "daemon/hardware/pci_config.h"

namespace nvccd {
namespace {

Result<std::vector<Mode>> find_supported_modes(ConfidentialDevice& device) {
  std::vector<Mode> modes(device.chip().modes.begin(), device.chip().modes.end());
  if (std::ranges::find(modes, Mode::ppcie) == modes.end()) return modes;
  const auto ppcie = device.knows_ppcie();
  if (!ppcie) return std::unexpected(ppcie.error());
  if (!*ppcie) std::erase(modes, Mode::ppcie);
  return modes;
}

// Reads everything that needs the device itself. Fills `result` as far as the reading gets.
Result<> read_device(ConfidentialDevice& device, const LookRequest& request, LookResult& result) {
  result.architecture = device.chip().architecture;
  result.supported_modes.assign(device.chip().modes.begin(), device.chip().modes.end());
  // The mode comes from a register and must be readable however ill the firmware is.
  const auto active = device.active_mode();
  if (!active) return std::unexpected(active.error());
  result.mode = active->mode;

  auto supported = with_retries(request.limits.retries, [&] { return find_supported_modes(device); });
  if (!supported) return std::unexpected(supported.error());
  result.supported_modes = *std::move(supported);
  if (std::ranges::find(result.supported_modes, request.mode) == result.supported_modes.end())
    return std::unexpected(
        Error{.kind = ErrorKind::not_supported,
              .cause = fmt::format("mode {} is not supported by this {} {}", to_string(request.mode),
                                   to_string(result.architecture),
                                   device.chip().architecture == Architecture::ls10 ? "nvswitch" : "gpu"),
              .advice = request.mode == Mode::ppcie && device.chip().ppcie_bit
                            ? "update the device's firmware"
                            : "choose another mode, or give this device one of its own in nvccd.toml"});
  const auto stored = with_retries(request.limits.retries, [&] { return device.stored_knobs(request.mode); });
  if (!stored) return std::unexpected(stored.error());
  result.right =
      active->mode == request.mode && holds_target(*stored, device.chip().architecture, request.mode);
  return {};
}

// How many events udev sends: an "unbind" from the driver before, a "bind" to the driver after.
unsigned driver_events_between(const std::string& before, const std::string& after) {
  if (before == after) return 0;
  return (before.empty() ? 0U : 1U) + (after.empty() ? 0U : 1U);
}

Result<> recover(ConfidentialDevice& device, DeviceAccess& access, const LookRequest& request,
                 LookResult& result) {
  if (auto allowed = request.permission->check(); !allowed) return allowed;
  if (auto proven = access.prove(); !proven) return proven;
  if (auto reset = access.reset(); !reset) return reset;
  if (auto booted = device.wait_until_booted(request.limits.boot_timeout); !booted) return booted;
  return read_device(device, request, result);
}

}  // namespace

LookResult look_at(HostDevices& host, Clock& clock, const LookRequest& request) {
  LookResult result;
  result.begun = true;
  const auto fail = [&](Error error, std::optional<JobPhase> step = {}) {
    if (step) error.step = to_string(*step);
    result.error = on_device(std::move(error), request.address);
    result.in_use = error.kind == ErrorKind::device_busy;
    return result;
  };
  auto facts = host.facts(request.address);
  if (!facts) return fail(facts.error());
  if (facts->instance != request.instance)
    return fail({.kind = ErrorKind::no_such_device, .cause = "another device has taken its place"});

  if (request.bind && !(facts->driver_is_vfio && facts->companions_bound)) {
    if (auto allowed = request.permission->check(); !allowed) return fail(allowed.error(), JobPhase::bind);
    const auto bound = host.bind(request.address, request.bind_policy);
    const auto before = *std::exchange(facts, host.facts(request.address));
    if (facts) result.own_driver_events = driver_events_between(before.driver, facts->driver);
    if (!bound) return fail(bound.error(), JobPhase::bind);
    if (!facts) return fail(facts.error());
  }
  const auto access = host.acquire(request.address);
  if (!access) return fail(access.error(), JobPhase::bind);
  if (facts->bar0) {
    if (auto there = check_bar0((*access)->config(), request.address, *facts->bar0); !there)
      return fail(there.error(), JobPhase::boot);
  }
  const auto open = [&](Duration limit) {
    return ConfidentialDevice::open(facts->kind, facts->device_id, **access, clock, limit);
  };
  auto device = [&] {
    auto at_once = open(Duration::zero());
    if (at_once) return at_once;
    request.not_up();
    return open(request.limits.boot_timeout);
  }();
  if (!device) return fail(device.error(), JobPhase::boot);
  auto read = read_device(*device, request, result);
  result.out_of_step = !read && read.error().transient;
  // Nobody else has the device now, and recover() compares anew whatever the reset makes active.
  if (result.out_of_step && request.may_reset) read = recover(*device, **access, request, result);
  return read ? result : fail(read.error(), JobPhase::verify);
}

}  // namespace nvccd
