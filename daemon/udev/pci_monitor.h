// Tells of PCI devices that come, go, or change their driver, as soon as udev has processed the event.
#pragma once

#include <functional>
#include <memory>

#include "base/event.h"
#include "model/error.h"

struct udev_device;
struct udev_monitor;

namespace nvccd {

enum class PciEvent { appeared, gone, driver_changed };

class PciMonitor {
 public:
  // `handler` is called on the loop, for NVIDIA GPUs and NVSwitches only. Open the monitor before looking at
  // what is present, so that nothing is missed in between. `lost` is called when there were more events than
  // the kernel kept for us: anything may have come or gone.
  using Handler = std::function<void(PciEvent, const PciAddress&)>;
  static Result<std::unique_ptr<PciMonitor>> create(sd_event* event, Handler handler,
                                                    std::function<void()> lost);

  PciMonitor(const PciMonitor&) = delete;
  PciMonitor& operator=(const PciMonitor&) = delete;
  ~PciMonitor();

 private:
  struct MonitorDeleter {
    void operator()(udev_monitor* monitor) const;
  };
  using MonitorPtr = std::unique_ptr<udev_monitor, MonitorDeleter>;

  PciMonitor(MonitorPtr monitor, Handler handler, std::function<void()> lost);
  static int on_event(sd_event_source* source, int fd, std::uint32_t events, void* self);
  void receive_all();
  void tell_of(udev_device* device);

  MonitorPtr monitor_;
  Handler handler_;
  std::function<void()> lost_;
  EventSourcePtr source_;
};

}  // namespace nvccd
