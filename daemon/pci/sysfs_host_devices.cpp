#include "pci/sysfs_host_devices.h"

#include "pci/binding.h"
#include "pci/device_facts.h"
#include "pci/mapped_window.h"
#include "pci/power_hold.h"
#include "pci/sysfs_config_space.h"

namespace nvccd {
namespace {

// Destroyed from the last member to the first: the mapping, then power, and the group only when all else is
// put back.
class SysfsDeviceAccess final : public DeviceAccess {
 public:
  SysfsDeviceAccess(std::filesystem::path reset_file, std::shared_ptr<VfioGroup> group, PowerHold power,
                    SysfsConfigSpace config, MappedWindow window)
      : reset_file_(std::move(reset_file)),
        group_(std::move(group)),
        power_(std::move(power)),
        config_(std::move(config)),
        window_(std::move(window)) {}

  RegisterWindow& registers() override { return window_; }
  ConfigSpace& config() override { return config_; }
  Result<> prove() override { return {}; }
  // The kernel chooses the method (see reset_method), saves and restores the configuration space, and refuses
  // a bus reset that would hit another device.
  Result<> reset() override { return write_attribute(reset_file_, "1"); }

 private:
  std::filesystem::path reset_file_;
  std::shared_ptr<VfioGroup> group_;
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
  const auto facts = read_facts(paths_, address);
  if (!facts) return std::unexpected(facts.error());
  const auto failed = [&](const Error& error) { return std::unexpected(on_device(error, address)); };
  if (!facts->driver_is_vfio || !facts->iommu_group)
    return failed(Error{.cause = "the device is not bound to a vfio driver",
                        .advice = "bind it with nvccctl bind, or set vfio.bind = true"});
  auto group = groups_.hold(*facts->iommu_group);
  if (!group) return failed(group.error());
  auto power = PowerHold::take(paths_, address, *clock_);
  if (!power) return failed(power.error());
  auto config = SysfsConfigSpace::open(paths_, address);
  if (!config) return failed(config.error());
  auto window = MappedWindow::map(paths_, address);
  if (!window) return failed(window.error());
  return std::make_unique<SysfsDeviceAccess>(paths_.device(address) / "reset", *std::move(group),
                                             *std::move(power), *std::move(config), *std::move(window));
}

}  // namespace nvccd
