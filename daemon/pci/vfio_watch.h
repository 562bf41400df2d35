// Tells when somebody opens or closes a VFIO node: a VM taking a device, or letting go of it. No polling.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/event.h"
#include "pci/sysfs.h"

namespace nvccd {

class VfioWatch {
 public:
  // `handler` is called on the loop with the node's path, e.g. /dev/vfio/65, before results of workers that
  // ran at the time of the event: so openings of our own can be told from others'.
  using Handler = std::function<void(const std::string& node, bool opened)>;
  static Result<std::unique_ptr<VfioWatch>> create(sd_event* event, const HostPaths& paths, Handler handler);

  VfioWatch(const VfioWatch&) = delete;
  VfioWatch& operator=(const VfioWatch&) = delete;

 private:
  VfioWatch(sd_event* event, Handler handler) : event_(share(event)), handler_(std::move(handler)) {}

  struct Directory {
    VfioWatch* watch;
    std::string path;
    EventSourcePtr source;
  };
  bool watch_directory(const std::string& path);
  static int on_event(sd_event_source* source, const inotify_event* event, void* directory);

  EventPtr event_;
  Handler handler_;
  std::vector<std::unique_ptr<Directory>> directories_;
};

}  // namespace nvccd
