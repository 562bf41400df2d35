// The change of one device's mode, in the two phases of a change of the node: stage the knobs, then reset and
// verify. Each function runs in a worker and may take as long as its limits allow.
#pragma once

#include <expected>
#include <functional>
#include <utility>

#include "common/model/node.h"
#include "daemon/engine/look.h"
#include "daemon/hardware/confidential_device.h"

namespace nvccd {

struct ChangeRequest {
  PciAddress address;
  std::uint64_t instance = 0;  // see DeviceFacts; another number is another device
  Ticket ticket;
  std::shared_ptr<const Permission> permission = std::make_shared<Permission>();
  Mode mode = Mode::off;
};

// Why a device is not staged. `ill`: the device did not answer before anything was asked of it, so its
// failure says nothing of the others; every other refusal concerns the change as a whole.
struct StagingFailure {
  StagingFailure(Error what, bool is_ill = false) : error(std::move(what)), ill(is_ill) {}

  Error error;
  bool ill;
};

// A device whose knobs are those of the new mode, while the old mode is still active. Nobody else can open
// the device until this object is destroyed.
class StagedDevice {
 public:
  // Acquires the device and writes the knobs that differ, each with read-back. When a write is refused, the
  // knobs already written are put back before the error is returned.
  static std::expected<StagedDevice, StagingFailure> stage(HostDevices& host, Clock& clock,
                                                           const ChangeRequest& request,
                                                           const StepLimits& limits);

  // Puts the old knobs back.
  Result<> roll_back();

  // Resets the device, waits until it has booted, and compares registers and knobs with the new mode. `phase`
  // is called with each step that begins.
  Result<> apply(const std::function<void(JobPhase)>& phase);

 private:
  StagedDevice(std::unique_ptr<DeviceAccess> access, ConfidentialDevice device, const ChangeRequest& request,
               const StepLimits& limits)
      : access_(std::move(access)), device_(std::move(device)), request_(request), limits_(limits) {}

  Result<> write_knobs(const std::vector<KnobSetting>& stored);
  Result<> verify();

  std::unique_ptr<DeviceAccess> access_;
  ConfidentialDevice device_;
  ChangeRequest request_;
  StepLimits limits_;
  std::vector<KnobSetting> replaced_;  // the old value of each knob written, in the order of writing
};

}  // namespace nvccd
