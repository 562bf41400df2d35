// A host whose devices are emulated: what the kernel does around the hardware, as far as the engine can tell.
#pragma once

#include <atomic>
#include <functional>
#include <map>

#include "common/base/clock.h"
#include "common/base/scheduler.h"
#include "daemon/pci/host_devices.h"
#include "tests/emulator/device.h"

namespace nvccd::test {

class EmulatedHost final : public HostDevices {
 public:
  // `device_clock` and `clock` show the same time; `scheduler` runs what inotify would tell.
  EmulatedHost(emulator::Clock& device_clock, Clock& clock, Scheduler& scheduler)
      : device_clock_(device_clock), clock_(clock), scheduler_(scheduler) {}

  // --- what a test does ---
  emulator::Device& plug(const PciAddress& address, emulator::Model model, const emulator::Delays& delays,
                         const std::string& driver = "");
  // A device that exists already, bound to vfio-pci.
  void plug(const PciAddress& address, emulator::Model model, std::shared_ptr<emulator::Device> device,
            const emulator::Delays& delays);
  void unplug(const PciAddress& address);
  emulator::Device& hardware(const PciAddress& address) { return *at(address).device; }
  bool present(const PciAddress& address) const { return slots_.contains(address); }
  const std::string& driver(const PciAddress& address) const { return slots_.at(address).driver; }

  // Binding that device does not come back for so long.
  void let_binding_hang(const PciAddress& address, Duration time) { at(address).binding_time = time; }

  // Binding that device is refused, as somebody uses it through its driver.
  void let_driver_be_used(const PciAddress& address, bool used) { at(address).driver_used = used; }

  // The next reset of that device takes so long, whatever the firmware needs.
  void let_reset_hang(const PciAddress& address, Duration time) { at(address).delays.reset = time; }

  // From now on both are in the IOMMU group of `other`.
  void share_group(const PciAddress& address, const PciAddress& other) {
    at(address).group = at(other).group;
  }

  // Another driver manager takes the driver away, or gives one. False: a VM has the device open, for which
  // the kernel would wait.
  bool take_driver(const PciAddress& address) { return give_driver(address, ""); }
  bool give_driver(const PciAddress& address, const std::string& driver);

  // What the kernel does when a device answers again that it reset, for whomever.
  void restore_config(const PciAddress& address) { wake_up(at(address)); }

  // A VM takes the device with its group, or lets go of it. False: nvccd has it, or no VM.
  bool take_for_vm(const PciAddress& address);
  bool release_from_vm(const PciAddress& address);
  // Whether one has the group of that device.
  bool held_by_vm(const PciAddress& address) const { return slots_.at(address).group->held_by_vm; }
  bool same_group(const PciAddress& one, const PciAddress& other) const;

  // What no daemon may do to a device, whatever happened to it before: one sentence each.
  const std::vector<std::string>& violations() const { return violations_; }

  // Called on every opening and closing of a VFIO group, ours included, as inotify would.
  std::function<void(const std::string& node, bool opened)> on_vfio_node;
  // The same at the very moment, on whatever thread; where this is set, the other is not called.
  std::function<void(const std::string& node, bool opened)> on_vfio_node_now;

  // Called before each register access and each reset, with the number of such steps so far.
  std::function<void(std::uint64_t step)> on_step;

  // What the daemon does to a device, told on the worker's thread as it begins.
  enum class Touch { asked_for, refused, taken, reset, let_go, bound, unbound };
  std::function<void(const PciAddress& address, Touch touch)> on_touch;

  // Called when a binding or unbinding of ours has changed the driver, as udev would.
  std::function<void(const PciAddress& address)> on_driver_changed;

  // --- HostDevices ---
  std::vector<PciAddress> list() override;
  Result<DeviceFacts> facts(const PciAddress& address) override;
  Result<> bind(const PciAddress& address, const BindPolicy& policy) override;
  Result<> unbind(const PciAddress& address) override;
  Result<std::unique_ptr<DeviceAccess>> acquire(const PciAddress& address) override;

 private:
  class Access;
  // An IOMMU group with the node that its devices share, for as long as one of them is there. The next group
  // may have the same number.
  struct Group {
    int number = 0;
    int our_holds = 0;  // the devices of a group share a hold, as VfioGroups has it
    bool held_by_vm = false;
  };
  struct Slot {
    std::shared_ptr<emulator::Device> device;
    emulator::Model model;
    emulator::Delays delays;
    std::string driver;
    std::uint16_t device_id = 0;
    std::shared_ptr<Group> group;
    std::uint64_t instance = 0;
    Duration binding_time{};
    bool driver_used = false;
    unsigned bindings = 0;   // how often its driver was changed
    std::uint64_t bar0 = 0;  // where the kernel has put it
  };
  static void wake_up(Slot& slot);
  Slot& at(const PciAddress& address) { return slots_.at(address); }
  Slot* find(const PciAddress& address);
  emulator::Device& plug(const PciAddress& address, Slot slot);
  Result<> set_driver(const PciAddress& address, const std::string& driver);
  void vfio_node_event(const Group& group, bool opened);
  void count_step();
  void touched(const PciAddress& address, Touch touch);
  void violated(const PciAddress& address, const std::string& what);

  emulator::Clock& device_clock_;
  Clock& clock_;
  Scheduler& scheduler_;
  std::map<PciAddress, Slot> slots_;
  std::atomic<std::uint64_t> steps_ = 0;
  int last_group_ = 0;
  std::uint64_t last_instance_ = 0;
  std::vector<std::string> violations_;
};

}  // namespace nvccd::test
