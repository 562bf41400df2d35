// A host whose devices are emulated: what the kernel does around the hardware, as far as the engine can tell.
#pragma once

#include <atomic>
#include <functional>
#include <map>

#include "base/clock.h"
#include "base/scheduler.h"
#include "device.h"
#include "pci/host_devices.h"

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

  // Another driver manager takes the driver away.
  void take_driver(const PciAddress& address) { at(address).driver.clear(); }

  // A VM takes the device, or lets go of it. False: nvccd has it, or no VM.
  bool take_for_vm(const PciAddress& address);
  bool release_from_vm(const PciAddress& address);

  // Called on every opening and closing of a VFIO group, ours included, as inotify would.
  std::function<void(const std::string& node, bool opened)> on_vfio_node;

  // Called before each register access and each reset, with the number of such steps so far.
  std::function<void(std::uint64_t step)> on_step;

  // --- HostDevices ---
  std::vector<PciAddress> list() override;
  Result<DeviceFacts> facts(const PciAddress& address) override;
  Result<> bind(const PciAddress& address, const BindPolicy& policy) override;
  Result<> unbind(const PciAddress& address) override;
  Result<std::unique_ptr<DeviceAccess>> acquire(const PciAddress& address) override;

 private:
  class Access;
  struct Slot {
    std::shared_ptr<emulator::Device> device;
    emulator::Model model;
    emulator::Delays delays;
    std::string driver;
    std::uint16_t device_id = 0;
    int group = 0;
    std::uint64_t instance = 0;
    Duration binding_time{};
    bool held_by_vm = false;
    bool driver_used = false;
  };
  // The devices of a group share a hold, as VfioGroups has it.
  void hold(int group);
  void let_go(int group);
  bool vm_has(int group) const;
  Slot& at(const PciAddress& address) { return slots_.at(address); }
  void vfio_node_event(int group, bool opened);
  void count_step();

  emulator::Clock& device_clock_;
  Clock& clock_;
  Scheduler& scheduler_;
  std::map<PciAddress, Slot> slots_;
  std::atomic<std::uint64_t> steps_ = 0;
  int last_group_ = 0;
  std::uint64_t last_instance_ = 0;
  std::map<int, int> our_holds_;  // by group
};

}  // namespace nvccd::test
