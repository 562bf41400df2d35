// Tells of virtual machines that begin and end, which KVM says as a change of its device: also of one whose
// VFIO nodes nobody sees being opened.
#pragma once

#include "daemon/udev/udev_listener.h"

namespace nvccd {

class KvmMonitor {
 public:
  // Called on the loop, once for all that udev has said since the last time; also when some of it was lost.
  // At its beginning a machine has no device yet. At its end it is about to let go of the last one.
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
