#include "daemon/pci/vfio_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace nvccd {
namespace {

Error cannot_watch(const std::filesystem::path& path, int error_number) {
  auto error = system_error(
      fmt::format("cannot watch {} for virtual machines that take devices", path.string()), error_number);
  if (error_number == EMFILE || error_number == ENOSPC)
    error.advice = fmt::format("raise the sysctl fs.inotify.max_user_{}",
                               error_number == EMFILE ? "instances" : "watches");
  if (error_number == EPERM)
    error.advice = "allow the service to read it: DeviceAllow=char-vfio rw and DeviceAllow=char-vfio-dev r";
  return error;
}

}  // namespace

VfioWatch::VfioWatch(const HostPaths& paths, Handler handler, std::function<void()> lost)
    : dev_(paths.dev),
      groups_(dev_ / "vfio"),
      devices_(groups_ / "devices"),
      handler_(std::move(handler)),
      lost_(std::move(lost)) {}

Result<std::unique_ptr<VfioWatch>> VfioWatch::create(sd_event* event, const HostPaths& paths, Handler handler,
                                                     std::function<void()> lost) {
  std::unique_ptr<VfioWatch> watch(new VfioWatch(paths, std::move(handler), std::move(lost)));
  auto inotify =
      Inotify::create(event, [self = watch.get()](const inotify_event& happened) { self->handle(happened); });
  if (!inotify) return std::unexpected(cannot_watch(paths.dev, inotify.error()));
  watch->inotify_ = *std::move(inotify);
  if (auto watched = watch->watch_all(); !watched) return std::unexpected(watched.error());
  if (watch->watched_.empty()) return std::unexpected(cannot_watch(paths.dev, ENOENT));
  return watch;
}

void VfioWatch::handle(const inotify_event& event) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    (void)watch_all();  // nodes may have come, too
    return lost_();
  }
  const auto watched = watched_.find(event.wd);
  if (watched == watched_.end()) return;
  const auto path = watched->second;
  if ((event.mask & IN_IGNORED) != 0) {
    watched_.erase(watched);
  } else if ((event.mask & IN_CREATE) != 0) {
    // Who opens a new node before it is watched is not seen. But nodes come with the binding of their device,
    // and the look that binds, or that follows the binding of somebody else, finds who has it.
    if (!watch_if_ours(path / event.name)) lost_();
  } else if ((event.mask & IN_OPEN) != 0) {
    handler_(path, true);
  } else if ((event.mask & IN_CLOSE) != 0) {
    handler_(path, false);
  }
}

// The nodes that hold devices. Not /dev/vfio/vfio, which everybody may open, any number of times.
bool VfioWatch::is_node(const std::filesystem::path& path) const {
  const auto name = path.filename().string();
  if (path.parent_path() == groups_)
    return std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
  return path.parent_path() == devices_ && name.starts_with("vfio");
}

// What is watched already stays so, with the same descriptor.
Result<> VfioWatch::watch_all() {
  return watch_directory(dev_);
}

Result<> VfioWatch::watch_if_ours(const std::filesystem::path& path) {
  if (path == groups_ || path == devices_) return watch_directory(path);
  if (is_node(path)) return add(path, IN_OPEN | IN_CLOSE);
  return {};
}

Result<> VfioWatch::watch_directory(const std::filesystem::path& path) {
  if (auto added = add(path, IN_CREATE | IN_ONLYDIR); !added) return added;
  // Only now, so that nothing comes unseen in between.
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error))
    if (auto watched = watch_if_ours(entry.path()); !watched) return watched;
  return {};
}

Result<> VfioWatch::add(const std::filesystem::path& path, std::uint32_t mask) {
  const auto watch = inotify_->add(path, mask);
  if (watch) {
    watched_[*watch] = path;
    return {};
  }
  // It may be gone again. And what was given to another user is not ours to open either, so never ready.
  if (watch.error() == ENOENT || watch.error() == EACCES) return {};
  return std::unexpected(cannot_watch(path, watch.error()));
}

}  // namespace nvccd
