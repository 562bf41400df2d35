#include "daemon/udev/udev_listener.h"

#include <libudev.h>

#include <cerrno>

namespace nvccd {
namespace {

using UdevPtr = std::unique_ptr<udev, CallDeleter<udev_unref>>;
using UdevDevicePtr = std::unique_ptr<udev_device, CallDeleter<udev_device_unref>>;

// Enough for a storm of events, such as a switch with all its devices going away.
constexpr int receive_buffer_bytes = 4 * 1024 * 1024;

std::string_view text_or_empty(const char* text) {
  return text != nullptr ? text : "";
}

}  // namespace

void UdevListener::MonitorDeleter::operator()(udev_monitor* monitor) const {
  udev_monitor_unref(monitor);
}

UdevListener::UdevListener(MonitorPtr monitor, Callbacks callbacks)
    : monitor_(std::move(monitor)), callbacks_(std::move(callbacks)) {}

UdevListener::~UdevListener() = default;

Result<std::unique_ptr<UdevListener>> UdevListener::create(sd_event* event, const char* subsystem,
                                                           Callbacks callbacks) {
  const auto failed = [](int error) { return std::unexpected(system_error("cannot listen to udev", error)); };
  const UdevPtr context(udev_new());
  if (!context) return failed(errno);
  MonitorPtr monitor(udev_monitor_new_from_netlink(context.get(), "udev"));
  if (!monitor) return failed(errno);
  if (const int r = udev_monitor_filter_add_match_subsystem_devtype(monitor.get(), subsystem, nullptr); r < 0)
    return failed(-r);
  // Without CAP_NET_ADMIN, which the service lacks, it gets no more of that than net.core.rmem_max allows.
  (void)udev_monitor_set_receive_buffer_size(monitor.get(), receive_buffer_bytes);
  if (const int r = udev_monitor_enable_receiving(monitor.get()); r < 0) return failed(-r);

  std::unique_ptr<UdevListener> self(new UdevListener(std::move(monitor), std::move(callbacks)));
  const int added = sd_event_add_io(event, out(self->source_), udev_monitor_get_fd(self->monitor_.get()),
                                    EPOLLIN, callback<&UdevListener::receive_all>, self.get());
  if (added < 0) return failed(-added);
  return self;
}

void UdevListener::receive_all() {
  bool lost = false;
  while (true) {
    errno = 0;
    const UdevDevicePtr device(udev_monitor_receive_device(monitor_.get()));
    if (device)
      callbacks_.event(*device);
    else if (errno == ENOBUFS)
      lost = true;
    else
      break;
  }
  callbacks_.caught_up(lost);
}

std::string_view property_of(udev_device& device, const char* name) {
  return text_or_empty(udev_device_get_property_value(&device, name));
}
std::string_view action_of(udev_device& device) {
  return text_or_empty(udev_device_get_action(&device));
}
std::string_view name_of(udev_device& device) {
  return text_or_empty(udev_device_get_sysname(&device));
}

}  // namespace nvccd
