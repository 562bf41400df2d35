#include "daemon/engine/publication.h"

#include <utility>

namespace nvccd {
namespace {

// Addresses that are in `devices` and not in `others`.
std::vector<PciAddress> only_in(const std::map<PciAddress, DeviceSnapshot>& devices,
                                const std::map<PciAddress, DeviceSnapshot>& others) {
  std::vector<PciAddress> addresses;
  for (const auto& [address, device] : devices)
    if (!others.contains(address)) addresses.push_back(address);
  return addresses;
}

}  // namespace

void Publication::commit(NodeState node, std::map<PciAddress, DeviceSnapshot> devices, JobBook& jobs) {
  const auto gone = only_in(devices_, devices);
  const auto added = only_in(devices, devices_);
  std::vector<PciAddress> changed;
  for (const auto& [address, device] : devices)
    if (const auto before = devices_.find(address); before != devices_.end() && before->second != device)
      changed.push_back(address);
  node.generation = node_.generation;
  const bool node_changed = node != node_;
  node.generation += gone.size() + added.size() + changed.size() + (node_changed ? 1 : 0);

  node_ = std::move(node);
  devices_ = std::move(devices);
  const auto observers = observers_;  // a call may add or remove an observer
  jobs.tell_of_new(observers);
  for (ManagerObserver* observer : observers) {
    for (const auto& address : gone)
      observer->device_removed(address);
    for (const auto& address : added)
      observer->device_added(address);
    for (const auto& address : changed)
      observer->device_changed(address);
    if (node_changed) observer->node_changed();
  }
  jobs.tell_of_changes(observers);
}

}  // namespace nvccd
