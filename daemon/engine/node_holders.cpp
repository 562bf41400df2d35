// The part of NodeManager that knows who has a device: what the VFIO nodes tell, and who was not seen to
// come.
#include <algorithm>

#include "engine/node_manager.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;

// How often it is tried whether one who was not seen to come is still there.
constexpr Duration time_between_rechecks = 10s;

}  // namespace

void NodeManager::vfio_node_opened(const std::string& node) {
  if (node_is_ours(node)) {
    ++node_uses_[node].balance;
    return;
  }
  for (auto& [address, record] : records_) {
    if (!record.has_node(node)) continue;
    record.snapshot.in_use = true;
    record.seen_open = true;
    publish(address);
  }
}

void NodeManager::vfio_node_closed(const std::string& node) {
  if (node_is_ours(node)) {
    --node_uses_[node].balance;
    node_uses_[node].let_go = true;
    return;
  }
  for (auto& [address, record] : records_) {
    if (!record.has_node(node)) continue;
    // Whoever had it may have changed anything.
    record.doubt();
    record.snapshot.in_use = false;
    request_look(record);
  }
  publish_node();
}

// Anybody may have taken a device, or let go of one.
void NodeManager::vfio_events_lost() {
  node_uses_.clear();
  for (auto& [address, record] : records_) {
    record.seen_open = false;
    something_happened(record);
  }
  publish_node();
}

void NodeManager::something_happened(DeviceRecord& record) {
  // One that changes or hangs is not ready anyway, and is looked at when its worker is back.
  if (!record.changing && !record.hangs) record.doubt();
  request_look(record);
}

void NodeManager::device_recovered(const PciAddress& address) {
  const auto record = records_.find(address);
  if (record == records_.end()) return;
  something_happened(record->second);
  publish_node();
}

void NodeManager::device_touched(const PciAddress& address) {
  device_recovered(address);
}

void NodeManager::virtual_machines_changed() {
  vfio_events_lost();
}

void NodeManager::resumed() {
  vfio_events_lost();
}

// The devices of an IOMMU group share a node, and our hold of it.
bool NodeManager::node_is_ours(const std::string& node) const {
  return std::ranges::any_of(
      records_, [&](const auto& entry) { return entry.second.ours() && entry.second.has_node(node); });
}

bool NodeManager::was_let_go(const DeviceRecord& record) const {
  return std::ranges::any_of(
      node_uses_, [&](const auto& entry) { return record.has_node(entry.first) && entry.second.let_go; });
}

// Somebody may have taken the device, or let go of it, between our own closing of it and now.
void NodeManager::account_for_openings(const DeviceRecord& record) {
  for (const auto& node : {record.snapshot.vfio_group, record.snapshot.vfio_device}) {
    const auto use = node_uses_.find(node);
    if (use == node_uses_.end() || node_is_ours(node)) continue;
    const int balance = use->second.balance;
    node_uses_.erase(use);
    for (auto& [address, other] : records_) {
      if (balance == 0 || !other.has_node(node)) continue;
      if (balance > 0) {
        other.snapshot.in_use = true;
        other.seen_open = true;
      } else if (other.snapshot.in_use) {
        other.verified.reset();
        request_look(other);
      }
      publish(address);
    }
  }
}

// One whose coming was not seen will not be seen to go: libvirt gives each machine a /dev of its own, and the
// driver of another kind has no node that is watched.
void NodeManager::watch_holder(DeviceRecord& record) {
  if (!record.snapshot.in_use || record.seen_open || record.left_alone()) return;
  record.recheck = parts_.scheduler->after(time_between_rechecks, [this, address = record.snapshot.address] {
    if (const auto held = records_.find(address); held != records_.end()) request_look(held->second);
  });
}

}  // namespace nvccd
