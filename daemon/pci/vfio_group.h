// Exclusive hold of an IOMMU group: while its VFIO node is open, the kernel lets nobody else open it.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "base/fd.h"
#include "pci/sysfs.h"

namespace nvccd {

class VfioGroup {
 public:
  // Errors: device_busy when a VM, or anything else, has the group.
  static Result<VfioGroup> open(const HostPaths& paths, int group);

 private:
  explicit VfioGroup(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// Devices of one group share its hold. Called from several workers, hence the lock.
class VfioGroups {
 public:
  explicit VfioGroups(HostPaths paths) : paths_(std::move(paths)) {}
  // A group that is busy is tried again for 100 ms.
  Result<std::shared_ptr<VfioGroup>> hold(int group);

 private:
  Result<std::shared_ptr<VfioGroup>> try_to_hold(int group);

  const HostPaths paths_;
  std::mutex mutex_;
  std::map<int, std::weak_ptr<VfioGroup>> held_;
};

}  // namespace nvccd
