#include "daemon/pci/own_openings.h"

namespace nvccd {

void OwnOpenings::announce(const PciAddress& device, std::initializer_list<SysfsAccess> accesses) {
  const std::lock_guard lock(mutex_);
  const auto counts = announced_.find(device);
  if (counts == announced_.end()) return;
  for (const auto access : accesses)
    ++counts->second[access];
}

void OwnOpenings::retract(const PciAddress& device, std::initializer_list<SysfsAccess> accesses) {
  for (const auto access : accesses)
    (void)take(device, access);
}

void OwnOpenings::begin(const PciAddress& device) {
  const std::lock_guard lock(mutex_);
  announced_[device].clear();
}

void OwnOpenings::end(const PciAddress& device) {
  const std::lock_guard lock(mutex_);
  announced_.erase(device);
}

bool OwnOpenings::take(const PciAddress& device, SysfsAccess access) {
  const std::lock_guard lock(mutex_);
  const auto counts = announced_.find(device);
  if (counts == announced_.end()) return false;
  auto& count = counts->second[access];
  if (count == 0) return false;
  --count;
  return true;
}

}  // namespace nvccd
