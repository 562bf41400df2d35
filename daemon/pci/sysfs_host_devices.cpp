#include "daemon/pci/sysfs_host_devices.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "common/host/companions.h"
#include "common/host/device_facts.h"
#include "common/host/virtual_functions.h"
#include "daemon/pci/binding.h"
#include "daemon/pci/device_hold.h"
#include "daemon/pci/mapped_window.h"
#include "daemon/pci/power_hold.h"
#include "daemon/pci/sysfs_config_space.h"

namespace nvccd {
namespace {

// Destroyed from the last member to the first: the mapping, then power, and the group only when all else is
// put back.
class SysfsDeviceAccess final : public DeviceAccess {
 public:
  SysfsDeviceAccess(const PciAddress& address, std::shared_ptr<OwnOpenings> own, DeviceHold hold,
                    PowerHold power, SysfsConfigSpace config, MappedWindow window)
      : address_(address),
        own_(std::move(own)),
        hold_(std::move(hold)),
        power_(std::move(power)),
        config_(std::move(config)),
        window_(std::move(window)) {}

  RegisterWindow& registers() override { return window_; }
  ConfigSpace& config() override { return config_; }
  Result<> prove() override { return hold_.prove(); }
  // The kernel chooses the method (see reset_method), saves and restores the configuration space, and refuses
  // a bus reset that would hit another device.
  Result<> reset() override {
    own_->announce(address_, {SysfsAccess::reset_written, SysfsAccess::reset_closed});
    const auto file = hold_.directory().open_file("reset", O_WRONLY);
    if (!file) {
      own_->retract(address_, {SysfsAccess::reset_written, SysfsAccess::reset_closed});
      return std::unexpected(file.error());
    }
    auto reset = write_attribute(*file, hold_.directory().path() / "reset", "1");
    if (!reset) own_->retract(address_, {SysfsAccess::reset_written});
    return reset;
  }

 private:
  PciAddress address_;
  std::shared_ptr<OwnOpenings> own_;
  DeviceHold hold_;
  PowerHold power_;
  SysfsConfigSpace config_;
  MappedWindow window_;
};

bool anything_is_bound(const HostPaths& paths, const PciAddress& address) {
  const auto is_bound = [&](const PciAddress& function) { return is_bound_to_vfio(paths, function); };
  return is_bound(address) || std::ranges::any_of(find_companions(paths, address), is_bound);
}

Error use_is_unknown(const Error& why, const DeviceFacts& facts) {
  auto error = why;
  error.cause = fmt::format("it cannot be proven that nobody uses the device: {}", why.cause);
  error.advice = "unbind it by hand in /sys/bus/pci/drivers, when you know that nobody does";
  // A device that is open through iommufd shows in nothing but its group.
  if (facts.vfio_group.empty() && !facts.vfio_device.empty())
    error.cause +=
        fmt::format("; this kernel may have no VFIO groups (CONFIG_VFIO_GROUP), and {} may be open unseen",
                    facts.vfio_device);
  return error;
}

Error in_use(const std::string& parts) {
  return Error{.kind = ErrorKind::device_busy,
               .cause = "the device is in use: " + parts,
               .advice = "take them from their guests and remove them first"};
}

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

// The kernel lets a group be kept while the drivers of its members go: what it waits for is who has a device
// open, and before Linux 6.1 who has put the group into a container, neither of which is done here.
Result<> SysfsHostDevices::unbind(const PciAddress& address) {
  if (!anything_is_bound(paths_, address)) return {};
  const auto directory = HeldDirectory::open(paths_.device(address));
  const auto facts = read_facts(paths_, address);
  if (!facts) return std::unexpected(facts.error());
  const auto unknown = [&](const Error& why) {
    return std::unexpected(on_device(use_is_unknown(why, *facts), address));
  };
  if (!facts->iommu_group) return unknown(Error{.cause = "the device has no IOMMU group"});
  if (const auto parts = find_parts(paths_, address))
    return std::unexpected(on_device(in_use(*parts), address));
  const auto group = groups_.hold(*facts->iommu_group, true);
  if (!group && group.error().kind == ErrorKind::device_busy)
    return std::unexpected(on_device(group.error(), address));
  if (!group) return unknown(group.error());
  if (!directory || !directory->is_current() || !(*group)->is_current())
    return unknown(Error{.cause = "the device or its IOMMU group was made anew in this moment"});
  return release_from_vfio(paths_, address);
}

Result<std::unique_ptr<DeviceAccess>> SysfsHostDevices::acquire(const PciAddress& address) {
  const auto failed = [&](const Error& error) { return std::unexpected(on_device(error, address)); };
  const auto facts = read_facts(paths_, address);
  if (!facts) return failed(facts.error());
  auto hold = DeviceHold::take(paths_, address, groups_);
  if (!hold) return failed(hold.error());
  if (const auto parts = find_parts(paths_, address)) return failed(in_use(*parts));
  auto power = PowerHold::take(hold->directory(), *clock_);
  if (!power) return failed(power.error());
  auto config = SysfsConfigSpace::open(hold->directory(),
                                       [&] { own_->announce(address, {SysfsAccess::config_written}); });
  if (!config) return failed(config.error());
  auto window = MappedWindow::map(paths_, address, own_.get());
  if (!window) return failed(window.error());
  // The window was opened by the device's address: it is this device's if that still leads to it.
  if (auto same = hold->prove_unchanged(); !same) return failed(same.error());
  return std::make_unique<SysfsDeviceAccess>(address, own_, *std::move(hold), *std::move(power),
                                             *std::move(config), *std::move(window));
}

}  // namespace nvccd
