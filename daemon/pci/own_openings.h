// What nvccd itself is about to do to a device's files in sysfs, so that it is not taken for somebody else's.
#pragma once

#include <initializer_list>
#include <map>
#include <mutex>

#include "common/model/pci_address.h"

namespace nvccd {

// The accesses that SysfsWatch can see.
enum class SysfsAccess { config_written, registers_opened, registers_closed, reset_written, reset_closed };

// Workers announce before they act, and the watch, on the loop, takes one announcement for each access it
// sees: an access without one was somebody else's. The kernel has queued its event when an access returns, so
// no announcement is left over unless the kernel lost the event. Safe to call from several threads.
class OwnOpenings {
 public:
  // To be called before the accesses: opening resource0 is {registers_opened, registers_closed}, as it is
  // closed some time; writing to config is {config_written}; a reset is {reset_written, reset_closed}.
  void announce(const PciAddress& device, std::initializer_list<SysfsAccess> accesses);
  // The announced accesses did not happen, as the opening or the writing failed.
  void retract(const PciAddress& device, std::initializer_list<SysfsAccess> accesses);

  // For the watch. Announcements count only while a device is watched; what was announced before counts as
  // somebody else's access, which costs a look at the device.
  void begin(const PciAddress& device);
  void end(const PciAddress& device);
  // Takes one announcement of this access. False: there was none.
  bool take(const PciAddress& device, SysfsAccess access);

 private:
  using Counts = std::map<SysfsAccess, unsigned>;

  std::mutex mutex_;
  std::map<PciAddress, Counts> announced_;
};

}  // namespace nvccd
