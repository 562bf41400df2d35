// What observers see: devices, node and jobs, which change together. An observer that asks during a
// notification sees the state after all changes of the turn, so that no ready node stands beside an unhealthy
// device.
#pragma once

#include <map>
#include <vector>

#include "daemon/engine/job_book.h"
#include "daemon/engine/manager.h"

namespace nvccd {

class Publication {
 public:
  const NodeState& node() const { return node_; }
  const std::map<PciAddress, DeviceSnapshot>& devices() const { return devices_; }

  void add_observer(ManagerObserver& observer) { observers_.push_back(&observer); }
  void remove_observer(ManagerObserver& observer) { std::erase(observers_, &observer); }

  // Shows these values from now on, and tells observers what is different. node.generation is not looked at.
  void commit(NodeState node, std::map<PciAddress, DeviceSnapshot> devices, JobBook& jobs);

 private:
  NodeState node_;
  std::map<PciAddress, DeviceSnapshot> devices_;
  std::vector<ManagerObserver*> observers_;
};

}  // namespace nvccd
