#include "daemon/pci/sysfs_watch.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "common/host/topology.h"

namespace nvccd {
namespace {

Error cannot_watch(const std::filesystem::path& path, int error_number) {
  auto error = system_error(
      fmt::format("cannot watch {} for others who reset or change the device", path.string()), error_number);
  if (error_number == EMFILE || error_number == ENOSPC)
    error.advice = fmt::format("raise the sysctl fs.inotify.max_user_{}",
                               error_number == EMFILE ? "instances" : "watches");
  return error;
}

// What an event in the directory of a device or a bridge means.
std::optional<SysfsAccess> access_in_directory(std::string_view name, std::uint32_t mask) {
  const bool written = (mask & IN_MODIFY) != 0;
  if (name == "config" && written) return SysfsAccess::config_written;
  // Both: a reset that fails is no write, and may have done something all the same.
  if (name == "reset" || name == "reset_subordinate")
    return written ? SysfsAccess::reset_written : SysfsAccess::reset_closed;
  return std::nullopt;
}

}  // namespace

SysfsWatch::SysfsWatch(const HostPaths& paths, std::shared_ptr<OwnOpenings> own, Handlers handlers)
    : paths_(paths), own_(std::move(own)), handlers_(std::move(handlers)) {}

Result<std::unique_ptr<SysfsWatch>> SysfsWatch::create(sd_event* event, const HostPaths& paths,
                                                       std::shared_ptr<OwnOpenings> own, Handlers handlers) {
  std::unique_ptr<SysfsWatch> watch(new SysfsWatch(paths, std::move(own), std::move(handlers)));
  auto inotify =
      Inotify::create(event, [self = watch.get()](const inotify_event& happened) { self->handle(happened); });
  if (!inotify) return std::unexpected(cannot_watch(paths.sys, inotify.error()));
  watch->inotify_ = *std::move(inotify);
  return watch;
}

Result<> SysfsWatch::watch(const PciAddress& device) {
  constexpr std::uint32_t changes = IN_MODIFY | IN_CLOSE_WRITE | IN_ONLYDIR;
  Result<> all;
  std::set<int> current;
  const auto add_watch = [&](const std::filesystem::path& path, std::uint32_t mask, const Watched& what) {
    const auto descriptor = add(path, mask, what);
    if (descriptor) current.insert(*descriptor);
    // The device may be gone again, and not every one has registers.
    else if (descriptor.error() != ENOENT && all)
      all = std::unexpected(cannot_watch(path, descriptor.error()));
  };
  add_watch(paths_.device(device), changes, {.devices = {device}});
  add_watch(paths_.device(device) / "resource0", IN_OPEN | IN_CLOSE,
            {.registers = true, .devices = {device}});
  for (const auto& bridge : bridges_above(paths_, device))
    add_watch(paths_.device(bridge), changes, {.bridge = true, .devices = {device}});
  drop(device, current);  // those of an earlier device of this address
  // Only now: what was announced before may have come before the watch.
  own_->begin(device);
  return all;
}

void SysfsWatch::forget(const PciAddress& device) {
  own_->end(device);
  drop(device, {});
}

std::expected<int, int> SysfsWatch::add(const std::filesystem::path& path, std::uint32_t mask,
                                        const Watched& what) {
  const auto descriptor = inotify_->add(path, mask);
  if (!descriptor) return descriptor;
  auto& watched = watched_.try_emplace(*descriptor, what).first->second;
  watched.devices.insert(what.devices.begin(), what.devices.end());
  return descriptor;
}

void SysfsWatch::drop(const PciAddress& device, const std::set<int>& but) {
  for (auto entry = watched_.begin(); entry != watched_.end();) {
    auto& [descriptor, watched] = *entry;
    const bool unused =
        !but.contains(descriptor) && watched.devices.erase(device) > 0 && watched.devices.empty();
    if (unused) inotify_->remove(descriptor);
    entry = unused ? watched_.erase(entry) : std::next(entry);
  }
}

void SysfsWatch::handle(const inotify_event& event) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    // Of what was announced some may never be seen now.
    for (const auto& [descriptor, watched] : watched_)
      for (const auto& device : watched.devices)
        own_->begin(device);
    return handlers_.lost();
  }
  const auto found = watched_.find(event.wd);
  if (found == watched_.end()) return;
  const Watched watched = found->second;  // a handler may forget it
  if ((event.mask & IN_IGNORED) != 0) {
    watched_.erase(found);
  } else if (watched.registers) {
    tell(watched,
         (event.mask & IN_OPEN) != 0 ? SysfsAccess::registers_opened : SysfsAccess::registers_closed);
  } else if (const auto access = access_in_directory(event.len > 0 ? event.name : "", event.mask)) {
    tell(watched, *access);
  }
}

void SysfsWatch::tell(const Watched& watched, SysfsAccess access) {
  for (const auto& device : watched.devices)
    // Bridges are nothing that we touch.
    if (watched.bridge || !own_->take(device, access)) handlers_.touched(device, access);
}

}  // namespace nvccd
