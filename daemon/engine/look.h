// A look at one device: bind the device if it is to be bound, and read what its registers and its firmware
// say. Runs in a worker.
#pragma once

#include <functional>

#include "common/base/clock.h"
#include "common/model/node.h"
#include "daemon/engine/device_life.h"
#include "daemon/engine/permission.h"
#include "daemon/pci/host_devices.h"

namespace nvccd {

// How patient the steps with one device are.
struct StepLimits {
  Duration boot_timeout = std::chrono::seconds(60);
  unsigned retries = 2;  // of a step after a transient error
};

struct LookRequest {
  PciAddress address;
  std::uint64_t instance = 0;  // see DeviceFacts; another number is another device
  Ticket ticket;
  std::shared_ptr<const Permission> permission = std::make_shared<Permission>();
  Mode mode = Mode::off;  // the mode to compare with
  bool bind = true;
  BindPolicy bind_policy;
  bool may_reset = false;  // whether to reset a device that is out of step, see LookResult
  StepLimits limits;
  // Called, in the worker, when the device does not answer as a booted device does: the rest of the look may
  // take long, and what was known of the device should not be told meanwhile.
  std::function<void()> not_up = [] {};
};

struct LookResult {
  bool begun = false;  // false: there was no thread for the look, so the rest says nothing of the device
  unsigned own_driver_events = 0;  // that udev will send because the look bound the device
  Architecture architecture = Architecture::unknown;
  std::vector<Mode> supported_modes;
  std::optional<Mode> mode;  // the active one; nullopt: not readable
  bool right = false;        // active registers and stored knobs both are those of the requested mode
  bool in_use = false;       // somebody else has the device, so nothing was read
  // The firmware's mailbox stayed out of step (a predecessor was killed in the middle of a request, or the
  // firmware hangs), which only a reset cures. A look does not reset the device unless it was allowed to:
  // until then others may know the device to be ready.
  bool out_of_step = false;
  std::optional<Error> error;
};

LookResult look_at(HostDevices& host, Clock& clock, const LookRequest& request);

// Repeats `action` after transient errors, at most `retries` times.
template <typename Action>
auto with_retries(unsigned retries, Action action) {
  auto result = action();
  for (; retries > 0 && !result && result.error().transient; --retries)
    result = action();
  return result;
}

}  // namespace nvccd
