#include "pci/vfio_watch.h"

#include <sys/inotify.h>

#include <algorithm>

namespace nvccd {

Result<std::unique_ptr<VfioWatch>> VfioWatch::create(sd_event* event, const HostPaths& paths,
                                                     Handler handler) {
  std::unique_ptr<VfioWatch> watch(new VfioWatch(event, std::move(handler)));
  // Whichever of them exists; on_event() adds those that come into being later.
  bool any = false;
  for (const char* directory : {"", "/vfio", "/vfio/devices"})
    any |= watch->watch_directory(paths.dev + directory);
  if (!any)
    return std::unexpected(Error{.cause = "cannot watch " + paths.dev + " for VMs that take devices"});
  return watch;
}

bool VfioWatch::watch_directory(const std::string& path) {
  if (std::ranges::any_of(directories_, [&](const auto& known) { return known->path == path; })) return true;
  auto directory = std::make_unique<Directory>(this, path, nullptr);
  // Openings count only where VFIO's nodes are; elsewhere only what comes into being.
  const bool holds_nodes = path.find("/vfio") != std::string::npos;
  const std::uint32_t mask = IN_CREATE | IN_ONLYDIR | (holds_nodes ? IN_OPEN | IN_CLOSE : 0U);
  sd_event_source* source = nullptr;
  if (sd_event_add_inotify(event_.get(), &source, path.c_str(), mask, on_event, directory.get()) < 0)
    return false;
  directory->source.reset(source);
  (void)sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
  directories_.push_back(std::move(directory));
  return true;
}

int VfioWatch::on_event(sd_event_source*, const inotify_event* event, void* userdata) {
  auto* directory = static_cast<Directory*>(userdata);
  VfioWatch& watch = *directory->watch;
  if ((event->mask & IN_IGNORED) != 0) {
    std::erase_if(watch.directories_, [&](const auto& known) { return known.get() == directory; });
    return 0;
  }
  if (event->len == 0) return 0;
  const std::string path = directory->path + "/" + event->name;
  if ((event->mask & IN_ISDIR) != 0) {
    if ((event->mask & IN_CREATE) != 0 && (path.ends_with("/vfio") || path.ends_with("/vfio/devices")))
      watch.watch_directory(path);
    return 0;
  }
  if ((event->mask & IN_OPEN) != 0) watch.handler_(path, true);
  if ((event->mask & IN_CLOSE) != 0) watch.handler_(path, false);
  return 0;
}

}  // namespace nvccd
