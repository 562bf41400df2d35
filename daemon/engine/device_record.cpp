#include "daemon/engine/device_record.h"

#include <algorithm>

namespace nvccd {
namespace {

// While somebody else has the device, only the mode that was verified before is known.
std::optional<Mode> known_mode(const DeviceRecord& record) {
  if (record.life.holder() != nullptr || std::holds_alternative<Verified>(record.life.known()))
    return record.life.trusted();
  if (const auto* differs = std::get_if<Differs>(&record.life.known())) return differs->active;
  if (const auto* broken = record.broken()) return broken->active;
  return std::nullopt;
}

DeviceState find_state(const DeviceRecord& record, bool binds) {
  const DeviceLife& life = record.life;
  if (life.hangs()) return DeviceState::failed;
  if (life.works_on(Work::bind)) return DeviceState::binding;
  if (life.ours() && !life.works_on(Work::look)) return DeviceState::transitioning;
  if (life.holder() != nullptr) return record.right() ? DeviceState::ready : DeviceState::busy;
  if (record.right()) return DeviceState::ready;
  if (record.broken() != nullptr) return DeviceState::failed;
  if (std::holds_alternative<OutOfStep>(life.known())) return DeviceState::transitioning;
  if (life.ours() && binds && !record.facts.driver_is_vfio) return DeviceState::binding;
  return DeviceState::discovered;
}

std::string find_error(const DeviceRecord& record, DeviceState state) {
  if (state == DeviceState::busy) return record.life.holder()->error.message();
  if (state != DeviceState::failed) return {};
  return record.failure()->message();
}

}  // namespace

const Error* DeviceRecord::failure() const {
  if (const auto* work = std::get_if<Ours>(&life.custody()); work != nullptr && work->hangs)
    return &*work->hangs;
  return broken() != nullptr ? &broken()->error : nullptr;
}

bool DeviceRecord::needs_change() const {
  if (!managed() || !std::holds_alternative<Free>(life.custody())) return false;
  if (std::holds_alternative<Differs>(life.known())) return true;
  return life.trusted() && !right();
}

void DeviceRecord::want(Care now, Mode mode) {
  if (care == now && (desired == mode || now != Care::managed)) return;
  // The mode in which a device was verified stays true; all other knowledge was about the mode wanted before.
  // A mode that the device does not support is refused by a look, which concerns this device alone, and not
  // by a change, which would fail for all.
  const bool possible = std::ranges::find(supported_modes, mode) != supported_modes.end();
  if (care != now || !life.trusted() || !possible) happen(event::LookAgain{});
  if (care != now) {
    permission->take_back();
    permission = std::make_shared<Permission>();
  }
  care = now;
  desired = mode;
}

Error in_use_through(const std::string& node, const PciAddress& address) {
  return Error{.kind = ErrorKind::device_busy,
               .cause = "the device is in use: somebody has " + node + " open",
               .advice = "stop the VM that uses it, or wait until it ends (fuser -v " + node + " names it)",
               .device = address};
}

DeviceSnapshot project(const PciAddress& address, const DeviceRecord& record, bool binds) {
  const DeviceFacts& facts = record.facts;
  DeviceSnapshot snapshot{
      .address = address,
      .kind = facts.kind,
      .vendor_id = facts.vendor_id,
      .device_id = facts.device_id,
      .name = facts.name,
      .architecture = record.architecture,
      .supported_modes = record.supported_modes,
      .driver = facts.driver,
      .iommu_group = facts.iommu_group,
      .vfio_group = facts.vfio_group,
      .vfio_device = facts.vfio_device,
      .numa_node = facts.numa_node,
      .mode = std::nullopt,
      .requested_mode = std::nullopt,
      .state = DeviceState::unmanaged,
      .in_use = record.life.holder() != nullptr,
      .error = {},
  };
  // The rest is not told of a device that nvccd leaves alone.
  if (!record.managed()) return snapshot;
  snapshot.requested_mode = record.desired;
  snapshot.state = find_state(record, binds);
  snapshot.mode = snapshot.state == DeviceState::ready ? record.life.trusted() : known_mode(record);
  snapshot.error = find_error(record, snapshot.state);
  return snapshot;
}

}  // namespace nvccd
