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
      : host_(host), address_(address), device_(host.at(address).device), group_(host.at(address).group) {
    host_.hold(group_);
    wake_up();
  }
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;
  ~Access() override { host_.let_go(group_); }

  RegisterWindow& registers() override { return registers_; }
  ConfigSpace& config() override { return config_; }
  Result<> prove() override { return present() ? Result<>{} : std::unexpected(removed()); }

  Result<> reset() override {
    if (auto ok = step(); !ok) return ok;
    if (device_->reset_fails())
      return std::unexpected(
          Error{.cause = "the kernel refused a write to reset: Inappropriate ioctl for device"});
    device_->reset(emulator::ResetKind::function_level);
    // The kernel returns when the device answers again, and has then restored its configuration space.
    host_.clock_.sleep(host_.at(address_).delays.reset);
    if (!present()) return std::unexpected(removed());
    wake_up();
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
    const auto slot = host_.slots_.find(address_);
    return slot != host_.slots_.end() && slot->second.device == device_;
  }
  void wake_up() {
    device_->config_write(power_control_register, 2, 0);
    device_->config_write(command_register, 2, memory_space);
  }

  EmulatedHost& host_;
  PciAddress address_;
  std::shared_ptr<emulator::Device> device_;
  int group_;
  Registers registers_{*this};
  Config config_{*this};
};

void EmulatedHost::vfio_node_event(int group, bool opened) {
  if (!on_vfio_node) return;
  scheduler_.post([this, node = fmt::format("/dev/vfio/{}", group), opened] {
    if (on_vfio_node) on_vfio_node(node, opened);
  });
}

void EmulatedHost::hold(int group) {
  if (our_holds_[group]++ == 0) vfio_node_event(group, true);
}

void EmulatedHost::let_go(int group) {
  if (--our_holds_[group] == 0) vfio_node_event(group, false);
}

bool EmulatedHost::vm_has(int group) const {
  return std::ranges::any_of(
      slots_, [&](const auto& entry) { return entry.second.group == group && entry.second.held_by_vm; });
}

void EmulatedHost::count_step() {
  const std::uint64_t step = ++steps_;
  if (on_step) on_step(step);
}

emulator::Device& EmulatedHost::plug(const PciAddress& address, emulator::Model model,
                                     const emulator::Delays& delays, const std::string& driver) {
  Slot slot{.device = emulator::make_device(model, device_clock_, delays),
            .model = model,
            .delays = delays,
            .driver = driver,
            .device_id = 0,
            .group = ++last_group_,
            .instance = ++last_instance_};
  // From the configuration space now: a fault may hide it later, but the kernel has read it at plugging.
  slot.device_id = static_cast<std::uint16_t>(slot.device->config_read(0, 4) >> 16);
  return *slots_.insert_or_assign(address, std::move(slot)).first->second.device;
}

void EmulatedHost::plug(const PciAddress& address, emulator::Model model,
                        std::shared_ptr<emulator::Device> device, const emulator::Delays& delays) {
  Slot slot{.device = std::move(device),
            .model = model,
            .delays = delays,
            .driver = "vfio-pci",
            .group = ++last_group_,
            .instance = ++last_instance_};
  slot.device_id = static_cast<std::uint16_t>(slot.device->config_read(0, 4) >> 16);
  slots_.insert_or_assign(address, std::move(slot));
}

void EmulatedHost::unplug(const PciAddress& address) {
  slots_.erase(address);
}

bool EmulatedHost::take_for_vm(const PciAddress& address) {
  Slot& slot = at(address);
  if (our_holds_[slot.group] > 0 || vm_has(slot.group)) return false;
  slot.held_by_vm = true;
  vfio_node_event(slot.group, true);
  return true;
}

bool EmulatedHost::release_from_vm(const PciAddress& address) {
  Slot& slot = at(address);
  if (!slot.held_by_vm) return false;
  slot.held_by_vm = false;
  vfio_node_event(slot.group, false);
  return true;
}

std::vector<PciAddress> EmulatedHost::list() {
  std::vector<PciAddress> addresses;
  for (const auto& [address, slot] : slots_)
    addresses.push_back(address);
  return addresses;
}

Result<DeviceFacts> EmulatedHost::facts(const PciAddress& address) {
  const auto position = slots_.find(address);
  if (position == slots_.end())
    return std::unexpected(
        Error{.kind = ErrorKind::no_such_device, .cause = "there is no such device", .device = address});
  const Slot& slot = position->second;
  DeviceFacts facts;
  facts.instance = slot.instance;
  facts.kind = slot.model == emulator::Model::ls10 ? DeviceKind::nvswitch : DeviceKind::gpu;
  facts.vendor_id = 0x10de;
  facts.device_id = slot.device_id;
  facts.name = name_of(slot.model);
  facts.driver = slot.driver;
  facts.driver_is_vfio = slot.driver == "vfio-pci";
  facts.iommu_group = slot.group;
  if (facts.driver_is_vfio) facts.vfio_group = fmt::format("/dev/vfio/{}", slot.group);
  return facts;
}

Result<> EmulatedHost::bind(const PciAddress& address, const BindPolicy&) {
  if (const auto time = at(address).binding_time; time > Duration::zero()) clock_.sleep(time);
  if (at(address).driver_used)
    return std::unexpected(
        Error{.kind = ErrorKind::device_busy, .cause = "the device is in use through driver nvidia"});
  at(address).driver = "vfio-pci";
  return {};
}

Result<> EmulatedHost::unbind(const PciAddress& address) {
  at(address).driver.clear();
  return {};
}

Result<std::unique_ptr<DeviceAccess>> EmulatedHost::acquire(const PciAddress& address) {
  const auto position = slots_.find(address);
  if (position == slots_.end())
    return std::unexpected(
        Error{.kind = ErrorKind::no_such_device, .cause = "there is no such device", .device = address});
  if (vm_has(position->second.group))
    return std::unexpected(Error{
        .kind = ErrorKind::device_busy, .cause = "the device is in use by qemu (pid 1)", .device = address});
  return std::make_unique<Access>(*this, address);
}

}  // namespace nvccd::test
