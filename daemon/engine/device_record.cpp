#include "engine/device_record.h"

namespace nvccd {

void DeviceRecord::set_desired(bool now_managed, Mode mode) {
  const bool same = managed == now_managed && snapshot.requested_mode == mode;
  managed = now_managed;
  desired = mode;
  if (left_alone()) return leave_alone();
  snapshot.requested_mode = mode;
  if (!same && !hangs && snapshot.state != DeviceState::transitioning) {
    snapshot.state = DeviceState::discovered;
    needs_change = false;
    clear_error();
  }
}

void DeviceRecord::take_facts(const DeviceFacts& facts) {
  snapshot.kind = facts.kind;
  snapshot.vendor_id = facts.vendor_id;
  snapshot.device_id = facts.device_id;
  snapshot.name = facts.name;
  snapshot.driver = facts.driver;
  snapshot.iommu_group = facts.iommu_group;
  snapshot.vfio_group = facts.vfio_group;
  snapshot.vfio_device = facts.vfio_device;
  snapshot.numa_node = facts.numa_node;
}

void DeviceRecord::take_look(const LookResult& result) {
  needs_change = false;
  if (result.facts) take_facts(*result.facts);
  if (left_alone()) return leave_alone();
  snapshot.in_use = result.in_use;
  if (result.in_use) {
    // Whoever came unseen may not be the first to have had it since it was verified.
    if (!seen_open) verified.reset();
    snapshot.mode = verified;
    needs_change = verified != desired;
    if (needs_change) return take_error(DeviceState::busy, *result.error);
    // Verified before it was taken, and what is wanted is that: it is as good as it was.
    snapshot.state = DeviceState::ready;
    return clear_error();
  }
  seen_open = false;
  recheck.reset();
  verified.reset();
  // What it is does not change because it does not answer now.
  if (result.architecture != Architecture::unknown) {
    snapshot.architecture = result.architecture;
    snapshot.supported_modes = result.supported_modes;
  }
  snapshot.mode = result.mode;
  if (result.error) {
    take_error(DeviceState::failed, *result.error);
    return;
  }
  clear_error();
  needs_change = !result.right;
  if (result.right) verified = result.mode;
  snapshot.state = result.right ? DeviceState::ready : DeviceState::discovered;
}

void DeviceRecord::take_change(Mode mode) {
  if (left_alone()) return leave_alone();
  snapshot.mode = verified = mode;
  clear_error();
  // What is wanted may be another mode by now, and what was verified may be of the past.
  needs_change = mode != desired;
  snapshot.state = needs_change || look_again ? DeviceState::discovered : DeviceState::ready;
}

void DeviceRecord::doubt(DeviceState state) {
  verified.reset();
  if (left_alone()) return;
  snapshot.mode.reset();
  snapshot.state = state;
  clear_error();
}

void DeviceRecord::leave_alone() {
  verified.reset();
  snapshot.mode.reset();
  snapshot.requested_mode.reset();
  snapshot.state = DeviceState::unmanaged;
  needs_change = false;
  clear_error();
}

void DeviceRecord::take_error(DeviceState state, const Error& error) {
  if (left_alone()) return leave_alone();
  snapshot.state = state;
  snapshot.error = error.message();
  error_kind = error.kind;
}

void DeviceRecord::clear_error() {
  snapshot.error.clear();
  error_kind.reset();
}

}  // namespace nvccd
