// A device that nvccd holds: its directory in sysfs and its VFIO group, and the proof that both are still
// what they were.
#pragma once

#include <map>

#include "daemon/pci/held_directory.h"
#include "daemon/pci/vfio_group.h"

namespace nvccd {

class DeviceHold {
 public:
  // Errors: no_such_device; device_busy when somebody has the group; system when the device has no vfio
  // driver, or when what find_own_obstacle() tells is in the way.
  static Result<DeviceHold> take(const HostPaths& paths, const PciAddress& address, VfioGroups& groups);

  // Proves that everything is as it was when the device was taken. Errors: no_such_device when it was
  // removed, whatever is at its address now; system when its driver, its group or a member of the group
  // changed.
  Result<> prove_unchanged() const;

  // Proves in addition that the device answers as the one that the kernel found, and that the kernel can
  // reset it. Errors: hardware_failed, not_supported. Touches nothing.
  Result<> prove() const;

  const HeldDirectory& directory() const { return directory_; }

 private:
  // The vfio drivers of the members of the group; "": another driver, or none.
  using Members = std::map<PciAddress, std::string>;

  DeviceHold(const HostPaths& paths, const PciAddress& address, HeldDirectory directory)
      : paths_(paths), address_(address), directory_(std::move(directory)) {}

  Members read_members() const;
  Result<> unless_removed(Result<> proved) const;
  Result<> prove_driver() const;
  Result<> prove_group() const;
  Result<> prove_identity() const;
  Result<> prove_reset() const;

  HostPaths paths_;
  PciAddress address_;
  HeldDirectory directory_;
  std::string driver_;
  std::string group_number_;
  std::shared_ptr<VfioGroup> group_;
  Members members_;
};

}  // namespace nvccd
