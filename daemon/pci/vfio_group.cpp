#include "daemon/pci/vfio_group.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "daemon/pci/file_identity.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;

// The kernel names the groups that it makes for devices without an IOMMU like this.
std::filesystem::path find_node(const HostPaths& paths, int group, bool without_iommu) {
  const auto node = std::filesystem::path(paths.dev) / "vfio" / std::to_string(group);
  const auto unsafe = node.parent_path() / fmt::format("noiommu-{}", group);
  return without_iommu && !FileIdentity::of(node) && FileIdentity::of(unsafe) ? unsafe : node;
}

}  // namespace

Result<VfioGroup> VfioGroup::open(const std::filesystem::path& node) {
  UniqueFd fd(::open(node.c_str(), O_RDWR | O_CLOEXEC));
  if (fd) return VfioGroup(node, std::move(fd));
  const int open_error = errno;
  if (open_error != EBUSY)
    return std::unexpected(system_error(fmt::format("cannot open {}", node.string()), open_error));
  return std::unexpected(Error{
      .kind = ErrorKind::device_busy,
      .cause = fmt::format("the device is in use: somebody has {} open, or a device of its group through "
                           "/dev/vfio/devices",
                           node.string()),
      .advice = fmt::format("stop the VM that uses it, or wait until it ends (fuser -v {} names it)",
                            node.string())});
}

bool VfioGroup::is_current() const {
  return leads_to(node_, fd_);
}

// The kernel tells of the closing of a file just before it gives back what the file held, so whoever looks
// because of that may come too early. No event follows.
Result<std::shared_ptr<VfioGroup>> VfioGroups::hold(int group, bool without_iommu) {
  const auto node = find_node(paths_, group, without_iommu);
  auto held = try_to_hold(node);
  for (int tries = 0; !held && held.error().kind == ErrorKind::device_busy && tries < 5; ++tries) {
    std::this_thread::sleep_for(20ms);
    held = try_to_hold(node);
  }
  return held;
}

Result<std::shared_ptr<VfioGroup>> VfioGroups::try_to_hold(const std::filesystem::path& node) {
  const std::lock_guard lock(mutex_);
  if (auto held = held_[node].lock(); held && held->is_current()) return held;
  auto opened = VfioGroup::open(node);
  if (!opened) return std::unexpected(opened.error());
  auto held = std::make_shared<VfioGroup>(*std::move(opened));
  held_[node] = held;
  return held;
}

}  // namespace nvccd
