// What udev says of the devices of one subsystem, on the event loop.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "common/base/event.h"
#include "common/model/error.h"

struct udev_device;
struct udev_monitor;

namespace nvccd {

class UdevListener {
 public:
  struct Callbacks {
    std::function<void(udev_device&)> event;
    // Called after all events that could be read; `lost`: the kernel could not keep all events for us, so
    // anything may have happened. Events that were told before are older than that.
    std::function<void(bool lost)> caught_up;
  };
  // Each listener has a socket of its own: a storm in one subsystem makes another lose nothing.
  static Result<std::unique_ptr<UdevListener>> create(sd_event* event, const char* subsystem,
                                                      Callbacks callbacks);

  UdevListener(const UdevListener&) = delete;
  UdevListener& operator=(const UdevListener&) = delete;
  ~UdevListener();

 private:
  struct MonitorDeleter {
    void operator()(udev_monitor* monitor) const;
  };
  using MonitorPtr = std::unique_ptr<udev_monitor, MonitorDeleter>;

  UdevListener(MonitorPtr monitor, Callbacks callbacks);
  void receive_all();

  MonitorPtr monitor_;
  Callbacks callbacks_;
  EventSourcePtr source_;
};

// "" when the event has no such property.
std::string_view property_of(udev_device& device, const char* name);
std::string_view action_of(udev_device& device);
std::string_view name_of(udev_device& device);

}  // namespace nvccd
