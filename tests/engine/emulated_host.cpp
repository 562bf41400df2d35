#include "emulated_access.h"

#include <fmt/format.h>

#include <algorithm>

namespace nvccd::test {
namespace {

constexpr std::uint32_t command_register = 0x4;
constexpr std::uint32_t memory_space = 1U << 1;
constexpr std::uint32_t bar0_register = 0x10;
constexpr std::uint32_t power_control_register = 0x44;  // of the power management capability at 0x40

Error no_such_device(const PciAddress& address) {
  return Error{.kind = ErrorKind::no_such_device, .cause = "there is no such device", .device = address};
}

const char* name_of(emulator::Model model) {
  switch (model) {
    case emulator::Model::gh100:
      return "GH100 [H100 SXM5 80GB]";
    case emulator::Model::gb100:
      return "GB100 [B200]";
    case emulator::Model::gb102:
      return "GB102 [B200]";
    case emulator::Model::gb202:
      return "GB202GL [RTX PRO 6000 Blackwell Server Edition]";
    case emulator::Model::ls10:
      return "GH100 [H100 NVSwitch]";
  }
  return "";
}

}  // namespace

void EmulatedHost::vfio_node_event(const Group& group, bool opened) {
  const std::string node = fmt::format("/dev/vfio/{}", group.number);
  if (on_vfio_node_now) return on_vfio_node_now(node, opened);
  if (!on_vfio_node) return;
  scheduler_.post([this, node, opened] {
    if (on_vfio_node) on_vfio_node(node, opened);
  });
}

void EmulatedHost::wake_up(Slot& slot) {
  emulator::Device& device = *slot.device;
  device.config_write(power_control_register, 2, 0);
  device.config_write(bar0_register, 4, static_cast<std::uint32_t>(slot.bar0));
  device.config_write(bar0_register + 4, 4, static_cast<std::uint32_t>(slot.bar0 >> 32));
  device.config_write(command_register, 2, memory_space);
}

EmulatedHost::Slot* EmulatedHost::find(const PciAddress& address) {
  const auto position = slots_.find(address);
  return position == slots_.end() ? nullptr : &position->second;
}

void EmulatedHost::count_step() {
  const std::uint64_t step = ++steps_;
  if (on_step) on_step(step);
}

void EmulatedHost::touched(const PciAddress& address, Touch touch) {
  if (on_touch) on_touch(address, touch);
}

void EmulatedHost::violated(const PciAddress& address, const std::string& what) {
  violations_.push_back(fmt::format("{}: {}", to_string(address), what));
}

emulator::Device& EmulatedHost::plug(const PciAddress& address, Slot slot) {
  slot.group = std::make_shared<Group>(Group{.number = ++last_group_});
  slot.instance = ++last_instance_;
  slot.bar0 = 0x38'0000'0000 + (slot.instance << 32);  // its lower half is 0, as that of many
  // From the configuration space now: a fault may hide it later, but the kernel has read it at plugging.
  slot.device_id = static_cast<std::uint16_t>(slot.device->config_read(0, 4) >> 16);
  return *slots_.insert_or_assign(address, std::move(slot)).first->second.device;
}

emulator::Device& EmulatedHost::plug(const PciAddress& address, emulator::Model model,
                                     const emulator::Delays& delays, const std::string& driver) {
  return plug(address, Slot{.device = emulator::make_device(model, device_clock_, delays),
                            .model = model,
                            .delays = delays,
                            .driver = driver,
                            .group = {}});
}

void EmulatedHost::plug(const PciAddress& address, emulator::Model model,
                        std::shared_ptr<emulator::Device> device, const emulator::Delays& delays) {
  plug(
      address,
      Slot{.device = std::move(device), .model = model, .delays = delays, .driver = "vfio-pci", .group = {}});
}

void EmulatedHost::unplug(const PciAddress& address) {
  // A VM loses what it has; its node stays as long as the group has other devices.
  const auto group = at(address).group;
  if (std::ranges::count_if(slots_, [&](const auto& entry) { return entry.second.group == group; }) == 1)
    release_from_vm(address);
  slots_.erase(address);
}

bool EmulatedHost::give_driver(const PciAddress& address, const std::string& driver) {
  if (held_by_vm(address)) return false;
  at(address).driver = driver;
  ++at(address).bindings;
  return true;
}

bool EmulatedHost::same_group(const PciAddress& one, const PciAddress& other) const {
  return slots_.at(one).group == slots_.at(other).group;
}

bool EmulatedHost::take_for_vm(const PciAddress& address) {
  Group& group = *at(address).group;
  if (group.our_holds > 0 || group.held_by_vm) return false;
  group.held_by_vm = true;
  vfio_node_event(group, true);
  return true;
}

bool EmulatedHost::release_from_vm(const PciAddress& address) {
  Group& group = *at(address).group;
  if (!group.held_by_vm) return false;
  group.held_by_vm = false;
  vfio_node_event(group, false);
  return true;
}

std::vector<PciAddress> EmulatedHost::list() {
  std::vector<PciAddress> addresses;
  for (const auto& [address, slot] : slots_)
    addresses.push_back(address);
  return addresses;
}

Result<DeviceFacts> EmulatedHost::facts(const PciAddress& address) {
  const Slot* const slot = find(address);
  if (slot == nullptr) return std::unexpected(no_such_device(address));
  DeviceFacts facts;
  facts.instance = slot->instance;
  facts.kind = slot->model == emulator::Model::ls10 ? DeviceKind::nvswitch : DeviceKind::gpu;
  facts.vendor_id = 0x10de;
  facts.device_id = slot->device_id;
  facts.name = name_of(slot->model);
  facts.driver = slot->driver;
  facts.driver_is_vfio = slot->driver == "vfio-pci";
  facts.iommu_group = slot->group->number;
  facts.bar0 = slot->bar0;
  if (facts.driver_is_vfio) facts.vfio_group = fmt::format("/dev/vfio/{}", slot->group->number);
  return facts;
}

// The kernel tells of it while the worker still has it to do.
Result<> EmulatedHost::set_driver(const PciAddress& address, const std::string& driver) {
  Slot* const slot = find(address);
  if (slot == nullptr) return std::unexpected(no_such_device(address));
  if (slot->driver == driver) return {};
  slot->driver = driver;
  ++slot->bindings;
  if (on_driver_changed) on_driver_changed(address);
  return {};
}

Result<> EmulatedHost::bind(const PciAddress& address, const BindPolicy&) {
  touched(address, Touch::bound);
  if (const Slot* const slot = find(address); slot != nullptr && slot->binding_time > Duration::zero())
    clock_.sleep(slot->binding_time);
  if (const Slot* const slot = find(address); slot != nullptr && slot->driver_used)
    return std::unexpected(
        Error{.kind = ErrorKind::device_busy, .cause = "the device is in use through driver nvidia"});
  return set_driver(address, "vfio-pci");
}

Result<> EmulatedHost::unbind(const PciAddress& address) {
  // The host takes the group for it, as SysfsHostDevices does.
  if (const Slot* const slot = find(address); slot != nullptr && slot->group->held_by_vm)
    return std::unexpected(Error{
        .kind = ErrorKind::device_busy, .cause = "the device is in use by qemu (pid 1)", .device = address});
  touched(address, Touch::unbound);
  return set_driver(address, "");
}

Result<std::unique_ptr<DeviceAccess>> EmulatedHost::acquire(const PciAddress& address) {
  touched(address, Touch::asked_for);
  const auto refused = [&](Error error) {
    touched(address, Touch::refused);
    error.device = address;
    return std::unexpected(std::move(error));
  };
  const Slot* const slot = find(address);
  if (slot == nullptr) return refused(no_such_device(address));
  if (slot->driver != "vfio-pci") return refused(Error{.cause = "the device is not bound to a vfio driver"});
  if (slot->group->held_by_vm)
    return refused(Error{.kind = ErrorKind::device_busy, .cause = "the device is in use by qemu (pid 1)"});
  return std::make_unique<Access>(*this, address);
}

}  // namespace nvccd::test
