// Tells when somebody opens or closes a VFIO node: a VM taking a device, or letting go of it. No polling.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/host/sysfs.h"
#include "daemon/pci/inotify.h"

namespace nvccd {

class VfioWatch {
 public:
  // `handler` is called on the loop with the node's path, e.g. /dev/vfio/65, before results of workers that
  // ran at the time of the event: so openings of our own can be told from others'. `lost` is called when the
  // kernel could not keep what happened: anybody may have taken a device, or let go of one.
  using Handler = std::function<void(const std::string& node, bool opened)>;
  static Result<std::unique_ptr<VfioWatch>> create(sd_event* event, const HostPaths& paths, Handler handler,
                                                   std::function<void()> lost);

  VfioWatch(const VfioWatch&) = delete;
  VfioWatch& operator=(const VfioWatch&) = delete;

 private:
  VfioWatch(const HostPaths& paths, Handler handler, std::function<void()> lost);

  void handle(const inotify_event& event);
  bool is_node(const std::filesystem::path& path) const;
  Result<> watch_all();
  Result<> watch_if_ours(const std::filesystem::path& path);
  Result<> watch_directory(const std::filesystem::path& path);
  Result<> add(const std::filesystem::path& path, std::uint32_t mask);

  const std::filesystem::path dev_;
  const std::filesystem::path groups_;   // a node for each IOMMU group
  const std::filesystem::path devices_;  // a node for each device; with CONFIG_VFIO_DEVICE_CDEV
  Handler handler_;
  std::function<void()> lost_;
  std::map<int, std::filesystem::path> watched_;  // by watch descriptor
  std::unique_ptr<Inotify> inotify_;
};

}  // namespace nvccd
