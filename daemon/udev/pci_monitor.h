// Tells of PCI devices that come, go, change their driver, or are brought back from an error by the kernel,
// as soon as udev has processed the event.
#pragma once

#include "daemon/udev/udev_listener.h"

namespace nvccd {

enum class PciEvent {
  appeared,
  gone,
  driver_changed,
  // At each stage of a recovery from an error the device may have been reset.
  recovery_began,
  recovery_ended,
  recovery_failed,
};

class PciMonitor {
 public:
  // `handler` is called on the loop, for NVIDIA GPUs and NVSwitches only; but recoveries are told of every
  // device, as it may be a bridge above some of those. Open the monitor before looking at what is present, so
  // that nothing is missed in between. `lost` is called when there were more events than the kernel kept for
  // us: anything may have come or gone, or have been replaced.
  using Handler = std::function<void(PciEvent, const PciAddress&)>;
  static Result<std::unique_ptr<PciMonitor>> create(sd_event* event, Handler handler,
                                                    std::function<void()> lost);

  PciMonitor(const PciMonitor&) = delete;
  PciMonitor& operator=(const PciMonitor&) = delete;

 private:
  explicit PciMonitor(Handler handler) : handler_(std::move(handler)) {}
  void tell_of(udev_device& device);

  Handler handler_;
  std::unique_ptr<UdevListener> listener_;
};

}  // namespace nvccd
