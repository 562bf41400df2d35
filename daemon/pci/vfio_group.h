// Exclusive hold of an IOMMU group: while its VFIO node is open, the kernel lets nobody else open it, nor use
// a device of the group through iommufd.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "common/base/fd.h"
#include "common/host/sysfs.h"

namespace nvccd {

class VfioGroup {
 public:
  // Errors: device_busy when a VM, or anything else, has the group.
  static Result<VfioGroup> open(const std::filesystem::path& node);

  // Whether the node is still that of this group. A group whose last device lost its driver is dissolved; a
  // group made anew is another one, from which this hold keeps nobody.
  bool is_current() const;

  const std::filesystem::path& node() const { return node_; }

 private:
  VfioGroup(std::filesystem::path node, UniqueFd fd) : node_(std::move(node)), fd_(std::move(fd)) {}

  std::filesystem::path node_;
  UniqueFd fd_;
};

// Devices of one group share its hold. Called from several workers, hence the lock.
class VfioGroups {
 public:
  explicit VfioGroups(HostPaths paths) : paths_(std::move(paths)) {}
  // A group that somebody else has is tried again for 100 ms. With `without_iommu` a group of VFIO's no-IOMMU
  // mode counts too; to hold it keeps others out but protects nothing.
  Result<std::shared_ptr<VfioGroup>> hold(int group, bool without_iommu = false);

 private:
  Result<std::shared_ptr<VfioGroup>> try_to_hold(const std::filesystem::path& node);

  const HostPaths paths_;
  std::mutex mutex_;
  std::map<std::filesystem::path, std::weak_ptr<VfioGroup>> held_;
};

}  // namespace nvccd
