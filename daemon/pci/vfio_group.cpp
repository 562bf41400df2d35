#include "pci/vfio_group.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace nvccd {

using namespace std::chrono_literals;

Result<VfioGroup> VfioGroup::open(const HostPaths& paths, int group) {
  const auto node = fmt::format("{}/vfio/{}", paths.dev, group);
  UniqueFd fd(::open(node.c_str(), O_RDWR | O_CLOEXEC));
  if (fd) return VfioGroup(std::move(fd));
  const int open_error = errno;
  if (open_error != EBUSY)
    return std::unexpected(system_error(fmt::format("cannot open {}", node), open_error));
  return std::unexpected(Error{
      .kind = ErrorKind::device_busy,
      .cause = fmt::format("the device is in use: somebody has {} open", node),
      .advice = fmt::format("stop the VM that uses it, or wait until it ends (fuser -v {} names it)", node)});
}

// The kernel tells of the closing of a file just before it gives back what the file held, so who looks
// because of that may come too early. No event follows.
Result<std::shared_ptr<VfioGroup>> VfioGroups::hold(int group) {
  auto held = try_to_hold(group);
  for (int tries = 0; !held && held.error().kind == ErrorKind::device_busy && tries < 5; ++tries) {
    std::this_thread::sleep_for(20ms);
    held = try_to_hold(group);
  }
  return held;
}

Result<std::shared_ptr<VfioGroup>> VfioGroups::try_to_hold(int group) {
  const std::lock_guard lock(mutex_);
  if (auto held = held_[group].lock()) return held;
  auto opened = VfioGroup::open(paths_, group);
  if (!opened) return std::unexpected(opened.error());
  auto held = std::make_shared<VfioGroup>(*std::move(opened));
  held_[group] = held;
  return held;
}

}  // namespace nvccd
