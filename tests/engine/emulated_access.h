// What the daemon has of an emulated device while it holds it.
#pragma once

#include "emulated_host.h"

namespace nvccd::test {

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
    wake_up(host_.at(address_));
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
    wake_up(host_.at(address_));
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

  static Error removed() {
    return Error{.kind = ErrorKind::hardware_failed,
                 .cause = "the device went away in the middle of a register access"};
  }
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

}  // namespace nvccd::test
