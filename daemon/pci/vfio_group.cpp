#include "pci/vfio_group.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

#include "pci/file_holders.h"

namespace nvccd {

Result<VfioGroup> VfioGroup::open(const HostPaths& paths, int group) {
  const auto node = fmt::format("{}/vfio/{}", paths.dev, group);
  UniqueFd fd(::open(node.c_str(), O_RDWR | O_CLOEXEC));
  if (fd) return VfioGroup(std::move(fd));
  const int open_error = errno;
  if (open_error != EBUSY)
    return std::unexpected(system_error(fmt::format("cannot open {}", node), open_error));
  const auto holder = find_holder(paths, node);
  return std::unexpected(
      Error{.kind = ErrorKind::device_busy,
            .cause = holder ? fmt::format("the device is in use by {} (it has {} open)", *holder, node)
                            : fmt::format("the device is in use ({} is open)", node),
            .advice = "stop the VM that uses it, or wait until it ends"});
}

Result<std::shared_ptr<VfioGroup>> VfioGroups::hold(int group) {
  const std::lock_guard lock(mutex_);
  if (auto held = held_[group].lock()) return held;
  auto opened = VfioGroup::open(paths_, group);
  if (!opened) return std::unexpected(opened.error());
  auto held = std::make_shared<VfioGroup>(*std::move(opened));
  held_[group] = held;
  return held;
}

}  // namespace nvccd
