// Tells of virtual machines that begin and end, which KVM announces as a change of its device: also of a
// machine whose VFIO nodes are opened out of our sight.
#pragma once

#include "daemon/udev/udev_listener.h"

namespace nvccd {

class KvmMonitor {
 public:
  // Called on the loop, once for all that udev has said since the last call; also when some of it was lost.
  // When a machine begins it has no device yet. When a machine ends it is about to release its last device.
  struct Handlers {
    std::function<void()> began;
    std::function<void()> ended;
  };
  static Result<std::unique_ptr<KvmMonitor>> create(sd_event* event, Handlers handlers);

  KvmMonitor(const KvmMonitor&) = delete;
  KvmMonitor& operator=(const KvmMonitor&) = delete;

 private:
  explicit KvmMonitor(Handlers handlers) : handlers_(std::move(handlers)) {}
  void take(udev_device& device);
  void tell(bool lost);

  Handlers handlers_;
  bool began_ = false;
  bool ended_ = false;
  std::unique_ptr<UdevListener> listener_;
};

}  // namespace nvccd
