#include "pci/sysfs_host_devices.h"

#include "pci/binding.h"
#include "pci/device_facts.h"
#include "pci/device_hold.h"
#include "pci/mapped_window.h"
#include "pci/power_hold.h"
#include "pci/sysfs_config_space.h"

namespace nvccd {
namespace {

// Destroyed from the last member to the first: the mapping, then power, and the group only when all else is
// put back.
class SysfsDeviceAccess final : public DeviceAccess {
 public:
  SysfsDeviceAccess(DeviceHold hold, PowerHold power, SysfsConfigSpace config, MappedWindow window)
      : hold_(std::move(hold)),
        power_(std::move(power)),
        config_(std::move(config)),
        window_(std::move(window)) {}

  RegisterWindow& registers() override { return window_; }
  ConfigSpace& config() override { return config_; }
  Result<> prove() override { return hold_.prove(); }
  // The kernel chooses the method (see reset_method), saves and restores the configuration space, and refuses
  // a bus reset that would hit another device.
  Result<> reset() override { return hold_.directory().write("reset", "1"); }

 private:
  DeviceHold hold_;
  PowerHold power_;
  SysfsConfigSpace config_;
  MappedWindow window_;
};

}  // namespace

std::vector<PciAddress> SysfsHostDevices::list() {
  return list_devices(paths_);
}

Result<DeviceFacts> SysfsHostDevices::facts(const PciAddress& address) {
  auto facts = read_facts(paths_, address);
  if (facts) facts->name = names_.find(facts->vendor_id, facts->device_id);
  return facts;
}

Result<> SysfsHostDevices::bind(const PciAddress& address, const BindPolicy& policy) {
  return bind_to_vfio(paths_, address, policy);
}

Result<> SysfsHostDevices::unbind(const PciAddress& address) {
  return release_from_vfio(paths_, address);
}

Result<std::unique_ptr<DeviceAccess>> SysfsHostDevices::acquire(const PciAddress& address) {
  const auto failed = [&](const Error& error) { return std::unexpected(on_device(error, address)); };
  const auto facts = read_facts(paths_, address);
  if (!facts) return failed(facts.error());
  auto hold = DeviceHold::take(paths_, address, groups_);
  if (!hold) return failed(hold.error());
  auto power = PowerHold::take(hold->directory(), *clock_);
  if (!power) return failed(power.error());
  auto config = SysfsConfigSpace::open(hold->directory());
  if (!config) return failed(config.error());
  auto window = MappedWindow::map(paths_, address);
  if (!window) return failed(window.error());
  // The window was opened by the device's address: it is this device's if that still leads to it.
  if (auto same = hold->prove_unchanged(); !same) return failed(same.error());
  return std::make_unique<SysfsDeviceAccess>(*std::move(hold), *std::move(power), *std::move(config),
                                             *std::move(window));
}

}  // namespace nvccd
