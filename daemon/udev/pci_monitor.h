// Tells of PCI devices that come, go, or change their driver, as soon as udev has processed the event.
#pragma once

#include <functional>
#include <memory>

#include "base/event.h"
#include "model/error.h"

struct udev_monitor;

namespace nvccd {

enum class PciEvent { appeared, gone, driver_changed };

class PciMonitor {
 public:
  // `handler` is called on the loop, for NVIDIA GPUs and NVSwitches only. Open the monitor before looking at
  // what is present, so that nothing is missed in between.
  using Handler = std::function<void(PciEvent, const PciAddress&)>;
  static Result<std::unique_ptr<PciMonitor>> create(sd_event* event, Handler handler);

  PciMonitor(const PciMonitor&) = delete;
  PciMonitor& operator=(const PciMonitor&) = delete;
  ~PciMonitor();

 private:
  struct MonitorDeleter {
    void operator()(udev_monitor* monitor) const;
  };
  using MonitorPtr = std::unique_ptr<udev_monitor, MonitorDeleter>;

  PciMonitor(MonitorPtr monitor, Handler handler);
  static int on_event(sd_event_source* source, int fd, std::uint32_t events, void* self);
  bool receive_one();

  MonitorPtr monitor_;
  Handler handler_;
  EventSourcePtr source_;
};

}  // namespace nvccd
