#include "engine/device_record.h"

namespace nvccd {

void DeviceRecord::set_desired(bool now_managed, Mode mode) {
  const bool same = managed == now_managed && snapshot.requested_mode == mode;
  managed = now_managed;
  desired = mode;
  if (!managed || released) {
    snapshot.requested_mode.reset();
    snapshot.state = DeviceState::unmanaged;
    needs_change = false;
    clear_error();
    return;
  }
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
  if (!managed || released) {
    snapshot.mode.reset();
    return;
  }
  snapshot.in_use = result.in_use;
  if (result.in_use) {
    snapshot.mode = verified;
    needs_change = verified != desired;
    if (needs_change) return take_error(DeviceState::busy, *result.error);
    // Verified before it was taken, and what is wanted is that: it is as good as it was.
    snapshot.state = DeviceState::ready;
    return clear_error();
  }
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

void DeviceRecord::take_error(DeviceState state, const Error& error) {
  snapshot.state = state;
  snapshot.error = error.message();
  error_kind = error.kind;
}

void DeviceRecord::clear_error() {
  snapshot.error.clear();
  error_kind.reset();
}

}  // namespace nvccd
