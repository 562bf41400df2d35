#include "daemon/engine/node_manager.h"

#include <algorithm>
#include <utility>

#include "common/policy/desired.h"

namespace nvccd {

NodeManager::NodeManager(Parts parts, Settings settings, const NodeModes& node_modes)
    : parts_(std::move(parts)), settings_(std::move(settings)), node_modes_(node_modes) {
  node_.host_confidential = parts_.host_confidential;
  update_requested();
  commit();
}

NodeManager::~NodeManager() = default;

void NodeManager::start(Task settled) {
  settled_ = std::move(settled);
  for (const auto& address : parts_.host.devices->list())
    refresh(address);
  reconcile();
}

// ---- which devices there are ----

DeviceRecord* NodeManager::find(const PciAddress& address) {
  const auto position = records_.find(address);
  return position != records_.end() ? &position->second : nullptr;
}

// Reads what the kernel says of the device now. Another card at the same address is another device, of which
// nothing is known.
void NodeManager::refresh(const PciAddress& address) {
  auto facts = parts_.host.devices->facts(address);
  if (!facts) return forget(address);
  DeviceRecord* record = find(address);
  if (record != nullptr && record->facts.instance != facts->instance) {
    forget(address);
    record = nullptr;
  }
  if (record == nullptr) {
    record = &records_[address];
    record->incarnation = ++last_incarnation_;
  }
  record->facts = *std::move(facts);
  let_workers_know_nodes(address, *record);
  update_wish(address, *record);
}

void NodeManager::forget(const PciAddress& address) {
  const auto position = records_.find(address);
  if (position == records_.end()) return;
  position->second.permission->take_back();
  records_.erase(position);
  if (device_job_ && device_job_->address == address)
    close_device_job(device_job_->id,
                     std::unexpected(Error{.kind = ErrorKind::no_such_device,
                                           .cause = "the device was removed in the middle of the job"}));
}

// ---- triggers ----

void NodeManager::happen(const PciAddress& address, const Event& event) {
  if (DeviceRecord* record = find(address)) record->happen(event);
}

void NodeManager::happen_to_all(const Event& event) {
  for (auto& [address, record] : records_)
    record.happen(event);
}

// For a device that is known already the event is no news: it is late, or somebody ran "udevadm trigger".
void NodeManager::device_appeared(const PciAddress& address) {
  refresh(address);
  reconcile();
}

// If another device is at the address already, its own event follows.
void NodeManager::device_gone(const PciAddress& address) {
  forget(address);
  reconcile();
}

void NodeManager::device_driver_changed(const PciAddress& address) {
  if (find(address) == nullptr) return;
  happen(address, event::DriverEvent{});
  refresh(address);
  reconcile();
}

void NodeManager::device_recovered(const PciAddress& address) {
  happen(address, event::ErrorRecovery{});
  reconcile();
}

void NodeManager::device_touched(const PciAddress& address) {
  happen(address, event::Touched{});
  reconcile();
}

void NodeManager::registers_opened(const PciAddress& address) {
  happen(address, event::RegistersOpened{});
  reconcile();
}

void NodeManager::registers_closed(const PciAddress& address) {
  happen(address, event::RegistersClosed{});
  reconcile();
}

void NodeManager::vfio_node_opened(const std::string& node) {
  if (node_is_ours(node)) return group_use_.opened_while_ours(node);
  for (auto& [address, record] : records_)
    if (record.has_node(node)) record.happen(event::NodeOpened{in_use_through(node, address)});
  reconcile();
}

void NodeManager::vfio_node_closed(const std::string& node) {
  if (node_is_ours(node)) return group_use_.closed_while_ours(node);
  for (auto& [address, record] : records_)
    if (record.has_node(node)) record.happen(event::NodeClosed{});
  reconcile();
}

void NodeManager::virtual_machines_changed() {
  happen_to_all(event::MachineEnded{});
  reconcile();
}

void NodeManager::resumed() {
  happen_to_all(event::Resumed{});
  reconcile();
}

void NodeManager::vfio_events_lost() {
  group_use_.forget_all();
  happen_to_all(event::EventsLost{});
  reconcile();
}

void NodeManager::udev_events_lost() {
  happen_to_all(event::EventsLost{});
  rescan();
}

void NodeManager::rescan() {
  std::vector<PciAddress> known;
  for (const auto& [address, record] : records_)
    known.push_back(address);
  for (const auto& address : known)
    refresh(address);
  for (const auto& address : parts_.host.devices->list())
    if (!records_.contains(address)) refresh(address);
  for (auto& [address, record] : records_) {
    // A verified device to which nothing has happened stays verified until the look says otherwise.
    const bool free = std::holds_alternative<Free>(record.life.custody()) && !workers_.contains(address);
    if (record.managed() && record.life.trusted() && free)
      start_look(address, record);
    else
      record.happen(event::LookAgain{});
  }
  reconcile();
}

Result<> NodeManager::reload() {
  auto loaded = parts_.load_settings();
  if (!loaded) return std::unexpected(loaded.error());
  for (const auto& warning : loaded->warnings)
    parts_.warn(warning);
  const bool binds_otherwise = loaded->settings.vfio != settings_.vfio;
  settings_ = std::move(loaded->settings);
  update_requested();
  // A device that is as it should be stays so; a broken or busy one may have a chance with the new settings.
  for (auto& [address, record] : records_)
    if (binds_otherwise || record.broken() != nullptr || record.busy()) record.happen(event::LookAgain{});
  reconcile();
  return {};
}

// ---- what is wanted ----

void NodeManager::update_requested() {
  const auto requested = requested_mode(settings_.mode, node_modes_.effective(), parts_.host_confidential);
  if (requested.warning != last_warning_ && !requested.warning.empty()) parts_.warn(requested.warning);
  last_warning_ = requested.warning;
  node_.default_mode = effective_default(settings_.mode, parts_.host_confidential);
  node_.node_mode = node_modes_.effective() ? node_modes_.effective() : settings_.mode.node;
  node_.requested_mode = requested.mode;
  for (auto& [address, record] : records_)
    update_wish(address, record);
}

void NodeManager::update_wish(const PciAddress& address, DeviceRecord& record) {
  const auto desired =
      desired_device(settings_, node_.requested_mode, address, record.facts.kind, record.facts.device_id);
  const Care care = !desired.managed                ? Care::excluded
                    : record.care == Care::released ? Care::released
                                                    : Care::managed;
  record.want(care, desired.mode);
}

}  // namespace nvccd
