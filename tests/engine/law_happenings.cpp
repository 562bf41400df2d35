// What each command of a schedule does to the node.
#include <algorithm>

#include "hardware_truth.h"
#include "law_world.h"

namespace nvccd::test {

using namespace std::chrono_literals;
using emulator::ResetKind;
using Queue = Deliveries::Queue;

void LawWorld::later(Queue queue, const Command& command, std::vector<unsigned> about,
                     Deliveries::Tell tell) {
  deliveries_.add(queue, now() + std::chrono::milliseconds(command.late), std::move(about), std::move(tell));
}

void LawWorld::happen(const Command& command) {
  const auto all = [&] {
    std::vector<unsigned> devices;
    for (unsigned n = 0; n < slots_of_node; ++n)
      if (truth_.present(n)) devices.push_back(n);
    return devices;
  };
  switch (command.what) {
    case Happening::resume:
      for (const unsigned n : all()) {
        reset(n, ResetKind::power);
        truth_.interfered(n);
      }
      return later(Queue::other, command, all(), [](NodeManager& manager) { manager.resumed(); });
    case Happening::node_events_lost:
      return deliveries_.lose(Queue::nodes, now() + std::chrono::milliseconds(command.late),
                              [this](NodeManager& manager) {
                                // Whoever has one now may have come unseen.
                                for (unsigned n = 0; n < slots_of_node; ++n)
                                  truth_.of(n).holder_seen = false;
                                manager.vfio_events_lost();
                              });
    case Happening::udev_events_lost:
      return deliveries_.lose(Queue::udev, now() + std::chrono::milliseconds(command.late),
                              [](NodeManager& manager) { manager.udev_events_lost(); });
    case Happening::plug:
      return plug(command);
    case Happening::unplug:
      return unplug(command);
    case Happening::replace:
      unplug(command);
      return plug(command);
    default:
      if (truth_.present(command.device)) happen_to_device(command);
  }
}

void LawWorld::plug(const Command& command) {
  const unsigned n = command.device;
  if (truth_.present(n)) return;
  node_.host->plug(slot(n), fleet_.models[command.choice % fleet_.models.size()], Node::delays,
                   command.choice % 2 == 0 ? "vfio-pci" : "");
  truth_.replaced(n);
  later(Queue::udev, command, {n}, [n](NodeManager& manager) { manager.device_appeared(slot(n)); });
}

void LawWorld::unplug(const Command& command) {
  const unsigned n = command.device;
  if (!truth_.present(n)) return;
  vm_acts_on_ = truth_.group_of(n);
  vm_is_seen_ = truth_.of(n).holder_seen;
  vm_event_late_ = std::chrono::milliseconds(command.late);
  node_.host->unplug(slot(n));
  vm_acts_on_.reset();
  later(Queue::udev, command, {n}, [n](NodeManager& manager) { manager.device_gone(slot(n)); });
}

// Not by the daemon. The kernel restores the configuration space when the device answers again.
void LawWorld::reset(unsigned n, ResetKind kind) {
  node_.hardware(n).reset(kind);
  deliveries_.add(Queue::kernel, now() + Node::delays.reset, {}, [this, n](NodeManager&) {
    if (truth_.present(n)) node_.host->restore_config(slot(n));
  });
}

// Knobs, and a reset that makes them active.
void LawWorld::use_another_tool(unsigned n, Mode mode) {
  store_knobs(node_.hardware(n), mode);
  reset(n, ResetKind::function_level);
  truth_.interfered(n);
}

void LawWorld::happen_to_device(const Command& command) {
  const unsigned n = command.device;
  const PciAddress address = slot(n);
  EmulatedHost& host = *node_.host;
  const auto driver_event = [&] {
    later(Queue::udev, command, {n},
          [address](NodeManager& manager) { manager.device_driver_changed(address); });
  };
  switch (command.what) {
    case Happening::power_cut:
    case Happening::recovery:
      reset(n, command.what == Happening::recovery ? ResetKind::bus : ResetKind::power);
      truth_.interfered(n);
      let_looks_reset();
      return later(Queue::udev, command, {n},
                   [address](NodeManager& manager) { manager.device_recovered(address); });
    case Happening::silent_power_cut:
      reset(n, ResetKind::power);
      truth_.interfered(n);
      let_looks_reset();
      return truth_.changed_unseen(n);
    case Happening::tool_reset:
      if (truth_.held_by_vm(n)) return;
      let_looks_reset();
      use_another_tool(n, command.mode());
      return later(Queue::other, command, {n},
                   [address](NodeManager& manager) { manager.device_touched(address); });
    case Happening::driver_taken:
      if (host.take_driver(address)) driver_event();
      return;
    case Happening::driver_given:
      if (host.driver(address).empty() && host.give_driver(address, "vfio-pci")) driver_event();
      return;
    case Happening::driver_flicker:
      if (!host.take_driver(address)) return;
      if (command.choice >= 4) use_another_tool(n, command.mode());
      host.give_driver(address, "vfio-pci");
      driver_event();
      return;
    case Happening::binding_hangs:
      return host.let_binding_hang(address, (command.choice + 1) * 1min);
    case Happening::reset_hangs:
      return host.let_reset_hang(address, (command.choice + 1) * 1min);
    case Happening::driver_used:
      if (host.driver(address) != "vfio-pci") host.let_driver_be_used(address, true);
      return;
    case Happening::fault:
      let_looks_reset();
      node_.hardware(n).set_fault(fault_choice(command.choice).name, fault_choice(command.choice).value);
      return;
    case Happening::clear_faults:
      return node_.hardware(n).clear_faults();
    default:
      return happen_to_vm(command);
  }
}

void LawWorld::happen_to_vm(const Command& command) {
  const unsigned n = command.device;
  switch (command.what) {
    case Happening::vm_takes:
    case Happening::vm_takes_unseen:
      if (!node_.host->driver(slot(n)).empty()) let_vm(true, n, command.what == Happening::vm_takes, command);
      return;
    case Happening::vm_releases:
      if (truth_.held_by_vm(n)) let_vm(false, n, truth_.of(n).holder_seen, command);
      return;
    case Happening::guest_changes:
      if (!truth_.held_by_vm(n)) return;
      store_knobs(node_.hardware(n), command.mode());
      if (command.choice % 8 >= 4) reset(n, ResetKind::function_level);
      if (!truth_.of(n).holder_seen) truth_.changed_unseen(n);
      return;
    default:
      return;
  }
}

// One whose /dev is its own is seen by the machine that comes and goes, not by its nodes.
void LawWorld::let_vm(bool take, unsigned n, bool seen, const Command& command) {
  vm_acts_on_ = truth_.group_of(n);
  vm_is_seen_ = seen;
  vm_event_late_ = std::chrono::milliseconds(command.late);
  const bool done = take ? node_.host->take_for_vm(slot(n)) : node_.host->release_from_vm(slot(n));
  const auto group = *std::exchange(vm_acts_on_, std::nullopt);
  if (!done) return;
  for (const unsigned other : group)
    if (take) truth_.taken(other, seen);
  if (!seen || command.choice % 4 == 3)
    later(Queue::udev, command, seen ? std::vector<unsigned>{} : group,
          [](NodeManager& manager) { manager.virtual_machines_changed(); });
}

// ---- calls ----

void LawWorld::call(const Command& command) {
  NodeManager& manager = *node_.manager;
  switch (command.what) {
    case Happening::rescan:
      return manager.rescan();
    case Happening::reload:
      (void)manager.reload();
      return;
    case Happening::set_mode:
    case Happening::clear_mode:
      return call_mode(command);
    case Happening::cancel:
      if (const auto job = manager.current_job()) (void)manager.cancel(*job);
      return;
    case Happening::bind:
    case Happening::unbind:
    case Happening::reset:
      return call_device(command);
    default:
      return change_settings(command);
  }
}

void LawWorld::call_mode(const Command& command) {
  const ModeOptions options{.wait = command.choice % 8 < 4, .dry_run = command.choice >= 14};
  const auto job = command.what == Happening::set_mode ? node_.manager->set_mode(command.mode(), options)
                                                       : node_.manager->clear_mode(options);
  if (!job) return tell("  refused: " + job.error().message());
  tell("  job " + std::to_string(*job));
  if (options.dry_run) laws_->set_dry(*job);
}

void LawWorld::call_device(const Command& command) {
  NodeManager& manager = *node_.manager;
  const PciAddress address = slot(command.device);
  const auto job = command.what == Happening::bind     ? manager.bind(address)
                   : command.what == Happening::unbind ? manager.unbind(address)
                                                       : manager.reset(address);
  tell(job ? "  job " + std::to_string(*job) : "  refused: " + job.error().message());
}

void LawWorld::change_settings(const Command& command) {
  Settings& settings = node_.settings;
  const PciAddress address = slot(command.device);
  if (command.what == Happening::default_mode)
    settings.mode.default_mode = all_values<Mode>[command.choice % 3];
  else if (command.what == Happening::bind_setting)
    settings.vfio.bind = command.choice % 2 == 0;
  else
    std::erase_if(settings.devices,
                  [&](const DeviceOverride& rule) { return rule.match.address == address; });
  if (command.what == Happening::exclude)
    settings.devices.push_back({.match = {.address = address}, .managed = false});
  if (command.what == Happening::device_mode)
    settings.devices.push_back({.match = {.address = address}, .mode = command.mode()});
  (void)node_.manager->reload();
  laws_->settings_loaded(now());
}

}  // namespace nvccd::test
