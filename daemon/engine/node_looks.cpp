// The part of NodeManager that looks at devices, and knows who has them.
#include <algorithm>
#include <utility>

#include "daemon/engine/node_manager.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;

// How long the healthy devices wait for a device that boots or does not answer; then they change without it.
constexpr Duration patience_with_slow_looks = 5s;

// Added to the time for booting and for each retry of a silent firmware: for a reset, or a driver that is
// slow to release the device. A worker that takes longer hangs in the kernel.
constexpr Duration look_slack = 120s;
constexpr Duration retry_slack = 30s;

// How often nvccd tries whether a holder who was not seen to come is still there.
constexpr Duration time_between_rechecks = 10s;

// The pause after a look for which there was no thread; the warning names it.
constexpr Duration pause_without_threads = 10s;

}  // namespace

std::set<PciAddress> NodeManager::excluded_devices() const {
  std::set<PciAddress> excluded;
  for (const auto& [address, record] : records_)
    if (record.care == Care::excluded) excluded.insert(address);
  return excluded;
}

void NodeManager::start_look(const PciAddress& address, DeviceRecord& record) {
  const bool out_of_step = std::holds_alternative<OutOfStep>(record.life.known());
  for (const auto& node : {record.facts.vfio_group, record.facts.vfio_device})
    if (!node_is_ours(node)) (void)group_use_.settle(node);
  record.happen(event::WorkStarted{.work = Work::look, .incarnation = record.incarnation});
  record.recheck.reset();
  const auto& limits = settings_.transition;
  const bool asked_to_bind = device_job_ && device_job_->address == address;
  const LookRequest request{
      .address = address,
      .instance = record.facts.instance,
      .ticket = std::get<Ours>(record.life.custody()).ticket,
      .permission = record.permission,
      .mode = record.desired,
      .bind = settings_.vfio.bind || asked_to_bind,
      .bind_policy = {.driver = settings_.vfio.driver,
                      .take_over_idle = settings_.vfio.takeover == Takeover::idle,
                      .excluded = excluded_devices()},
      .may_reset = out_of_step,
      .limits = {.boot_timeout = limits.boot_timeout, .retries = limits.retries},
      .not_up =
          [this, address, incarnation = record.incarnation, alive = std::weak_ptr(alive_),
           &scheduler = *parts_.scheduler] {
            scheduler.post([this, address, incarnation, alive] {
              if (alive.expired()) return;
              const DeviceRecord* looked_at = find(address);
              const bool same = looked_at != nullptr && looked_at->incarnation == incarnation;
              if (!same || !looked_at->life.trusted()) return;
              happen(address, event::LookAgain{});
              reconcile();
            });
          },
  };
  // A device that somebody else has is only tried again; the other devices need not wait for that.
  if (record.life.holder() == nullptr)
    record.look_patience = parts_.scheduler->after(patience_with_slow_looks, [this, address] {
      if (DeviceRecord* slow = find(address)) slow->look_patience.reset();
      reconcile();
    });
  record.work_deadline = parts_.scheduler->after(
      2 * request.limits.boot_timeout + look_slack + (limits.retries + 1) * retry_slack,
      [this, address, incarnation = record.incarnation] {
        work_hangs(address, incarnation,
                   {.kind = ErrorKind::hardware_failed,
                    .cause = "the kernel does not come back from binding or reading the device",
                    .advice = "the kernel's log may say why (journalctl -k); a reboot may be needed",
                    .device = address});
        reconcile();
      });
  start_worker_at(address, record);
  starts_.emplace_back([this, request] {
    start_with_result(
        *parts_.scheduler,
        [host = parts_.host, request] { return look_at(*host.devices, *host.clock, request); },
        [this, alive = std::weak_ptr(alive_), request](const LookResult& result) {
          if (!alive.expired()) look_finished(request, result);
        });
  });
}

Knowledge NodeManager::learn_from(const LookRequest& request, const LookResult& result) {
  if (!result.begun) return Unknown{};
  // A reset is tried once: a device that is out of step after it, too, is broken.
  if (result.out_of_step && !request.may_reset) return OutOfStep{};
  if (result.error) return Broken{.error = *result.error, .active = result.mode};
  if (result.right && result.mode) return Verified{*result.mode};
  return Differs{result.mode};
}

void NodeManager::look_finished(const LookRequest& request, const LookResult& result) {
  const PciAddress address = request.address;
  DeviceRecord* record = find(address);
  if (record == nullptr || record->incarnation != request.ticket.incarnation)
    return worker_returned(address, request.ticket.incarnation);
  record->look_patience.reset();
  record->work_deadline.reset();
  const auto on_nodes = [&](bool (GroupUse::*asked)(const std::string&) const) {
    return (group_use_.*asked)(record->facts.vfio_group) || (group_use_.*asked)(record->facts.vfio_device);
  };
  std::optional<Error> in_use;
  if (result.in_use) in_use = result.error;
  // For all that is known, the holder from before still has the device.
  if (const auto* holder = record->life.holder(); !result.begun && holder != nullptr) in_use = holder->error;
  record->happen(event::LookDone{
      .ticket = request.ticket,
      .found = learn_from(request, result),
      .in_use = in_use,
      .seen_open = on_nodes(&GroupUse::seen_open),
      .let_go = on_nodes(&GroupUse::let_go),
      .own_driver_events = result.own_driver_events,
  });
  if (result.begun)
    record->looks_in_vain = 0;
  else
    pause_looks(address, *record, *result.error);
  // A device does not become another one because it does not answer now.
  if (result.architecture != Architecture::unknown) {
    record->architecture = result.architecture;
    record->supported_modes = result.supported_modes;
  }
  // Reads the facts anew: another card may have come since the look.
  refresh(address);
  end_worker_at(address);
  if (DeviceRecord* same = find(address); same != nullptr) watch_holder(address, *same);
  reconcile();
}

// The look learnt nothing of the hardware, so the device stays in doubt, and whatever waits for it waits on.
void NodeManager::pause_looks(const PciAddress& address, DeviceRecord& record, const Error& why) {
  if (++record.looks_in_vain == 1) {
    Error warning = on_device(why, address);
    warning.advice =
        "nvccd tries again every 10 s; see what uses up the threads or the memory of the host or of the "
        "service "
        "(TasksMax)";
    parts_.warn(warning.message());
  }
  record.look_pause = parts_.scheduler->after(pause_without_threads, [this, address] {
    if (DeviceRecord* paused = find(address)) paused->look_pause.reset();
    reconcile();
  });
}

// ---- who has a device ----

// The devices of an IOMMU group share a node: a worker at one of them has the node for all.
bool NodeManager::node_is_ours(const std::string& node) const {
  return std::ranges::any_of(workers_, [&](const auto& entry) { return entry.second.nodes.contains(node); });
}

// Somebody may have opened the node, or closed it, between our own closing and now.
void NodeManager::account_for_openings(const std::set<std::string>& nodes) {
  for (const auto& node : nodes) {
    if (node_is_ours(node)) continue;
    const auto verdict = group_use_.settle(node);
    if (verdict == GroupUse::Verdict::nothing) continue;
    for (auto& [address, other] : records_) {
      if (!other.has_node(node)) continue;
      if (verdict == GroupUse::Verdict::opened)
        other.happen(event::NodeOpened{in_use_through(node, address)});
      if (verdict == GroupUse::Verdict::closed && other.life.holder() != nullptr)
        other.happen(event::NodeClosed{});
    }
  }
}

// A holder who was not seen to come will not be seen to go: libvirt gives each VM a /dev of its own, and a
// driver other than vfio's has no node that is watched.
void NodeManager::watch_holder(const PciAddress& address, DeviceRecord& record) {
  const auto* theirs = std::get_if<Theirs>(&record.life.custody());
  if (theirs == nullptr || theirs->seen || !record.managed()) return;
  record.recheck = parts_.scheduler->after(time_between_rechecks, [this, address] {
    DeviceRecord* held = find(address);
    if (held == nullptr || held->life.ours() || !held->managed() || workers_.contains(address)) return;
    held->happen(event::Recheck{});
    start_look(address, *held);
    reconcile();
  });
}

// ---- workers that do not come back ----

// Nobody waits for the worker any more, but the device is the worker's until it comes back.
void NodeManager::work_hangs(const PciAddress& address, std::uint64_t incarnation, const Error& error) {
  DeviceRecord* record = find(address);
  if (record == nullptr || record->incarnation != incarnation || !record->life.ours()) return;
  record->look_patience.reset();
  record->happen(event::TimedOut{error});
}

void NodeManager::worker_returned(const PciAddress& address, std::uint64_t incarnation) {
  end_worker_at(address);
  DeviceRecord* record = find(address);
  if (record != nullptr && record->incarnation == incarnation && record->life.hangs())
    record->happen(event::WorkEnded{});
  refresh(address);
  happen(address, event::LookAgain{});
  reconcile();
}

// Two workers at one mailbox would take each other's replies, even if one of them works for a device that has
// gone.
bool NodeManager::wait_for_predecessor(const PciAddress& address, DeviceRecord& record) {
  if (!workers_.contains(address)) return false;
  if (record.work_deadline) return true;
  record.work_deadline = parts_.scheduler->after(look_slack, [this, address,
                                                              incarnation = record.incarnation] {
    DeviceRecord* waiting = find(address);
    if (waiting == nullptr || waiting->incarnation != incarnation || waiting->life.ours()) return;
    waiting->happen(event::TimedOut{
        {.kind = ErrorKind::hardware_failed,
         .cause = "the kernel does not come back from what was begun with the device that was here before",
         .advice = "the kernel's log may say why (journalctl -k); a reboot may be needed",
         .device = address}});
    reconcile();
  });
  return true;
}

void NodeManager::start_worker_at(const PciAddress& address, const DeviceRecord& record) {
  ++workers_[address].count;
  let_workers_know_nodes(address, record);
}

// A worker that binds creates the nodes that it then opens, so they are noted as soon as they are known.
void NodeManager::let_workers_know_nodes(const PciAddress& address, const DeviceRecord& record) {
  const auto workers = workers_.find(address);
  if (workers == workers_.end()) return;
  for (const auto& node : {record.facts.vfio_group, record.facts.vfio_device})
    if (!node.empty()) workers->second.nodes.insert(node);
}

void NodeManager::end_worker_at(const PciAddress& address) {
  const auto workers = workers_.find(address);
  if (--workers->second.count > 0) return;
  const auto nodes = std::move(workers->second.nodes);
  workers_.erase(workers);
  account_for_openings(nodes);
}

}  // namespace nvccd
