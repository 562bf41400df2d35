#include "pci/vfio_watch.h"

#include <fmt/format.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
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

VfioWatch::VfioWatch(const HostPaths& paths, UniqueFd inotify, Handler handler, std::function<void()> lost)
    : dev_(paths.dev),
      groups_(dev_ / "vfio"),
      devices_(groups_ / "devices"),
      inotify_(std::move(inotify)),
      handler_(std::move(handler)),
      lost_(std::move(lost)) {}

// Not with sd_event_add_inotify(): it opens what it watches, and older kernels tell of the closing.
Result<std::unique_ptr<VfioWatch>> VfioWatch::create(sd_event* event, const HostPaths& paths, Handler handler,
                                                     std::function<void()> lost) {
  UniqueFd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify) return std::unexpected(cannot_watch(paths.dev, errno));
  std::unique_ptr<VfioWatch> watch(
      new VfioWatch(paths, std::move(inotify), std::move(handler), std::move(lost)));
  if (auto watched = watch->watch_all(); !watched) return std::unexpected(watched.error());
  if (watch->watched_.empty()) return std::unexpected(cannot_watch(paths.dev, ENOENT));

  sd_event_source* source = nullptr;
  if (const int r = sd_event_add_io(event, &source, watch->inotify_.get(), EPOLLIN, on_event, watch.get());
      r < 0)
    return std::unexpected(cannot_watch(paths.dev, -r));
  watch->source_.reset(source);
  if (const int r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT); r < 0)
    return std::unexpected(cannot_watch(paths.dev, -r));
  return watch;
}

// One read at a time: the loop comes back for the rest before it does anything less important.
int VfioWatch::on_event(sd_event_source*, int fd, std::uint32_t, void* self) {
  alignas(inotify_event) std::array<char, 8192> buffer;
  const auto size = ::read(fd, buffer.data(), buffer.size());
  for (ssize_t at = 0; at < size;) {
    const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    static_cast<VfioWatch*>(self)->handle(*event);
  }
  return 0;
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

// The nodes that hold devices. Not /dev/vfio/vfio, which everybody may open, as often as he likes.
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
  const int watch = ::inotify_add_watch(inotify_.get(), path.c_str(), mask);
  if (watch >= 0) {
    watched_[watch] = path;
    return {};
  }
  // It may be gone again. And what was given to another user is not ours to open either, so never ready.
  if (errno == ENOENT || errno == EACCES) return {};
  return std::unexpected(cannot_watch(path, errno));
}

}  // namespace nvccd
