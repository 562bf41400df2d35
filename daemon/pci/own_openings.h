// What nvccd itself is about to do to a device's files in sysfs, so that it is not taken for somebody else's.
#pragma once

#include <initializer_list>
#include <map>
#include <mutex>

#include "common/model/pci_address.h"

namespace nvccd {

// What is seen of it, see SysfsWatch.
enum class SysfsAccess { config_written, registers_opened, registers_closed, reset_written, reset_closed };

// Workers announce before they act, and the watch, on the loop, takes one announcement for each thing it
// sees: what is left over on its side was somebody else. The kernel has queued what is seen of an access when
// the access returns, so nothing is left over on this side but what the kernel lost. Safe to call from
// several threads.
class OwnOpenings {
 public:
  // Before it is done: opening resource0 is {registers_opened, registers_closed}, as it is closed some time;
  // writing to config is {config_written}; a reset is {reset_written, reset_closed}.
  void announce(const PciAddress& device, std::initializer_list<SysfsAccess> accesses);
  // It did not come to that, as the opening or the writing failed.
  void retract(const PciAddress& device, std::initializer_list<SysfsAccess> accesses);

  // For the watch. Only what is watched is counted, from the moment at which it is; what was announced before
  // counts as somebody else's, which costs a look at the device.
  void begin(const PciAddress& device);
  void end(const PciAddress& device);
  // Whether one was announced, which is one less then.
  bool take(const PciAddress& device, SysfsAccess access);

 private:
  using Counts = std::map<SysfsAccess, unsigned>;

  std::mutex mutex_;
  std::map<PciAddress, Counts> announced_;
};

}  // namespace nvccd
