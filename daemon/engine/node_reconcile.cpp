// The part of NodeManager that runs after every event: look at what is not known, change what is not as it
// should be, tell everybody, and only then start the workers.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/policy/desired.h"
#include "daemon/engine/node_manager.h"

namespace nvccd {

void NodeManager::reconcile() {
  // The end of a job can let another one begin, and can put the job's devices in doubt again.
  do {
    for (auto& [address, record] : records_)
      if (record.needs_look() && !record.look_pause && !wait_for_predecessor(address, record))
        start_look(address, record);
  } while (carry_out(make_agenda()));
  settle_device_job();
  settle_automatic_change();
  commit();
  for (Task& start : std::exchange(starts_, {}))
    start();
  if (settled_) settle_if_idle(make_agenda());
}

void NodeManager::commit() {
  std::map<PciAddress, DeviceSnapshot> devices;
  const Agenda agenda = make_agenda();
  for (const auto& [address, record] : records_) {
    DeviceSnapshot snapshot = project(address, record, settings_.vfio.bind);
    if (record.needs_change() && blocks_fabric(agenda) && agenda.failed && !change_) {
      snapshot.state = DeviceState::failed;
      snapshot.error =
          fmt::format("{}: mode ppcie needs every GPU and NVSwitch of the node, and {} has failed",
                      to_string(address), to_string(*agenda.failed));
    }
    devices.emplace(address, std::move(snapshot));
  }
  std::vector<const DeviceSnapshot*> pointers;
  for (const auto& [address, device] : devices)
    pointers.push_back(&device);
  const bool changing = mode_job_ || automatic_ || device_job_;
  const auto summary = summarize(pointers, changing);
  NodeState node = node_;
  node.mode_state = summary.mode_state;
  node.ready = summary.ready;
  node.error = summary.error;
  publication_.commit(std::move(node), std::move(devices), jobs_);
}

NodeManager::Agenda NodeManager::make_agenda() const {
  Agenda agenda;
  for (const auto& [address, record] : records_) {
    if (!record.managed()) continue;
    const bool looking = record.life.works_on(Work::look) || record.needs_look();
    if (looking && !record.life.hangs()) agenda.looking = true;
    if (record.look_patience) agenda.worth_waiting = true;
    if (record.failure() != nullptr && !agenda.failed) agenda.failed = address;
    if (record.busy() && !record.life.ours()) agenda.busy.push_back(address);
    if (record.needs_change()) agenda.change.push_back(address);
  }
  return agenda;
}

// In ppcie the devices are one fabric: a device that cannot change keeps all others from changing.
bool NodeManager::blocks_fabric(const Agenda& agenda) const {
  return node_.requested_mode == Mode::ppcie && (agenda.failed || !agenda.busy.empty());
}

// True: a job has ended, so there may be more to do.
bool NodeManager::carry_out(Agenda agenda) {
  if (change_ || (device_job_ && device_job_->stage == DeviceJob::Stage::working)) return false;
  const bool together = node_.requested_mode == Mode::ppcie;
  // The whole node is to change at once: wait for devices that are still being looked at, but not for ever.
  // In ppcie the devices are one fabric: all of them change, or none.
  if (agenda.worth_waiting || (agenda.looking && together)) return false;
  if (blocks_fabric(agenda)) {
    if (mode_job_ && agenda.failed) {
      finish_mode_job(agenda);
      return true;
    }
    agenda.busy.insert(agenda.busy.end(), agenda.change.begin(), agenda.change.end());
    agenda.change.clear();
  }
  if (mode_job_) {
    if (agenda.busy.empty() && agenda.change.empty() && !agenda.looking) {
      finish_mode_job(agenda);
      return true;
    }
    if (!agenda.busy.empty() && !wait_for_busy(agenda)) return true;
  }
  if (!agenda.change.empty()) start_change(agenda.change);
  return false;
}

void NodeManager::settle_if_idle(const Agenda& agenda) {
  const bool to_change = !agenda.change.empty() && !blocks_fabric(agenda);
  if (agenda.looking || change_ || to_change) return;
  if (settled_) std::exchange(settled_, nullptr)();
}

}  // namespace nvccd
