#include "emulated_host.h"

#include <fmt/format.h>

#include <algorithm>

namespace nvccd::test {
namespace {

constexpr std::uint32_t command_register = 0x4;
constexpr std::uint32_t memory_space = 1U << 1;
constexpr std::uint32_t power_control_register = 0x44;  // of the power management capability at 0x40

Error removed() {
  return Error{.kind = ErrorKind::hardware_failed,
               .cause = "the device went away in the middle of a register access"};
}

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

// Registers, configuration space and reset of one device, until it is unplugged.
class EmulatedHost::Access final : public DeviceAccess {
 public:
  Access(EmulatedHost& host, const PciAddress& address)
      : host_(host),
        address_(address),
        device_(host.at(address).device),
        group_(host.at(address).group),
        bindings_(host.at(address).bindings) {
    host_.touched(address_, Touch::taken);
    if (group_->our_holds++ == 0) host_.vfio_node_event(*group_, true);
    wake_up(*device_);
  }
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;
  ~Access() override {
    if (--group_->our_holds == 0) host_.vfio_node_event(*group_, false);
    host_.touched(address_, Touch::let_go);
  }

  RegisterWindow& registers() override { return registers_; }
  ConfigSpace& config() override { return config_; }

  Result<> prove() override {
    if (!present()) return std::unexpected(removed());
    const Slot& slot = host_.at(address_);
    if (slot.group != group_)
      return std::unexpected(
          Error{.kind = ErrorKind::hardware_failed, .cause = "its IOMMU group has changed"});
    if (slot.bindings != bindings_)
      return std::unexpected(
          Error{.kind = ErrorKind::hardware_failed, .cause = "its driver was taken away, or is another one"});
    return {};
  }

  Result<> reset() override {
    judge_reset();
    if (auto ok = step(); !ok) return ok;
    host_.touched(address_, Touch::reset);
    if (device_->reset_fails())
      return std::unexpected(
          Error{.cause = "the kernel refused a write to reset: Inappropriate ioctl for device"});
    device_->reset(emulator::ResetKind::function_level);
    // The kernel returns when the device answers again, and has then restored its configuration space.
    host_.clock_.sleep(host_.at(address_).delays.reset);
    if (!present()) return std::unexpected(removed());
    wake_up(*device_);
    return {};
  }

 private:
  class Registers final : public RegisterWindow {
   public:
    explicit Registers(Access& access) : access_(access) {}
    Result<std::uint32_t> read(std::uint32_t offset) override {
      if (auto ok = access_.step(); !ok) return std::unexpected(ok.error());
      return access_.device_->bar_read(0, offset);
    }
    Result<> write(std::uint32_t offset, std::uint32_t value) override {
      if (auto ok = access_.step(); !ok) return ok;
      access_.device_->bar_write(0, offset, value);
      return {};
    }

   private:
    Access& access_;
  };

  class Config final : public ConfigSpace {
   public:
    explicit Config(Access& access) : access_(access) {}
    Result<std::uint32_t> read(std::uint32_t offset) override {
      if (auto ok = access_.step(); !ok) return std::unexpected(ok.error());
      return access_.device_->config_read(offset, 4);
    }

   private:
    Access& access_;
  };

  Result<> step() {
    host_.count_step();
    return present() ? Result<>{} : std::unexpected(removed());
  }
  bool present() const {
    const Slot* const slot = host_.find(address_);
    return slot != nullptr && slot->device == device_;
  }
  // What has happened before this moment could have been proved; the reset itself is one moment with the
  // proof.
  void judge_reset() {
    const Slot* const slot = host_.find(address_);
    if (slot == nullptr) return;  // it hits nobody
    if (slot->device != device_)
      host_.violated(address_, "a reset through the hold of a card that is gone, beside its successor");
    else if (slot->driver != "vfio-pci")
      host_.violated(address_, "a reset of a device whose driver was taken away");
    if (slot->group->held_by_vm) host_.violated(address_, "a reset of a device that a VM holds");
  }

  EmulatedHost& host_;
  PciAddress address_;
  std::shared_ptr<emulator::Device> device_;
  std::shared_ptr<Group> group_;
  unsigned bindings_;
  Registers registers_{*this};
  Config config_{*this};
};

void EmulatedHost::vfio_node_event(const Group& group, bool opened) {
  const std::string node = fmt::format("/dev/vfio/{}", group.number);
  if (on_vfio_node_now) return on_vfio_node_now(node, opened);
  if (!on_vfio_node) return;
  scheduler_.post([this, node, opened] {
    if (on_vfio_node) on_vfio_node(node, opened);
  });
}

void EmulatedHost::wake_up(emulator::Device& device) {
  device.config_write(power_control_register, 2, 0);
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
  touched(address, Touch::unbound);
  if (const Slot* const slot = find(address); slot != nullptr && slot->group->held_by_vm)
    violated(address, "a device that a VM holds was unbound");
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
