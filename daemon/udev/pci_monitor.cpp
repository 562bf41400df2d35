#include "udev/pci_monitor.h"

#include <libudev.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace nvccd {
namespace {

using UdevPtr = std::unique_ptr<udev, CallDeleter<udev_unref>>;
using UdevDevicePtr = std::unique_ptr<udev_device, CallDeleter<udev_device_unref>>;

// Enough for a storm of events, such as a switch with all its devices going away.
constexpr int receive_buffer_bytes = 4 * 1024 * 1024;

std::string_view text_or_empty(const char* text) {
  return text != nullptr ? text : "";
}

// By properties, not attributes: of a device that is gone there are none.
bool is_ours(udev_device* device) {
  const auto id = text_or_empty(udev_device_get_property_value(device, "PCI_ID"));
  const auto device_class = text_or_empty(udev_device_get_property_value(device, "PCI_CLASS"));
  if (!id.starts_with("10DE:") && !id.starts_with("10de:")) return false;
  // Leading zeros are not printed.
  constexpr std::array classes = {"30000", "30200", "68000"};
  for (const char* ours : classes)
    if (device_class == ours) return true;
  return false;
}

}  // namespace

void PciMonitor::MonitorDeleter::operator()(udev_monitor* monitor) const {
  udev_monitor_unref(monitor);
}

PciMonitor::PciMonitor(MonitorPtr monitor, Handler handler, std::function<void()> lost)
    : monitor_(std::move(monitor)), handler_(std::move(handler)), lost_(std::move(lost)) {}

PciMonitor::~PciMonitor() = default;

Result<std::unique_ptr<PciMonitor>> PciMonitor::create(sd_event* event, Handler handler,
                                                       std::function<void()> lost) {
  const auto failed = [](int error) { return std::unexpected(system_error("cannot listen to udev", error)); };
  const UdevPtr context(udev_new());
  if (!context) return failed(errno);
  MonitorPtr monitor(udev_monitor_new_from_netlink(context.get(), "udev"));
  if (!monitor) return failed(errno);
  if (const int r = udev_monitor_filter_add_match_subsystem_devtype(monitor.get(), "pci", nullptr); r < 0)
    return failed(-r);
  // Without CAP_NET_ADMIN, which the service lacks, it gets no more of that than net.core.rmem_max allows.
  (void)udev_monitor_set_receive_buffer_size(monitor.get(), receive_buffer_bytes);
  if (const int r = udev_monitor_enable_receiving(monitor.get()); r < 0) return failed(-r);

  std::unique_ptr<PciMonitor> self(new PciMonitor(std::move(monitor), std::move(handler), std::move(lost)));
  sd_event_source* source = nullptr;
  const int added = sd_event_add_io(event, &source, udev_monitor_get_fd(self->monitor_.get()), EPOLLIN,
                                    on_event, self.get());
  if (added < 0) return failed(-added);
  self->source_.reset(source);
  return self;
}

int PciMonitor::on_event(sd_event_source*, int, std::uint32_t, void* self) {
  static_cast<PciMonitor*>(self)->receive_all();
  return 0;
}

void PciMonitor::receive_all() {
  bool lost = false;
  while (true) {
    errno = 0;
    const UdevDevicePtr device(udev_monitor_receive_device(monitor_.get()));
    if (device)
      tell_of(device.get());
    else if (errno == ENOBUFS)
      lost = true;
    else
      break;
  }
  // Only now, as what was still in the buffer is older than what did not fit into it.
  if (lost) lost_();
}

void PciMonitor::tell_of(udev_device* device) {
  const auto address = PciAddress::parse(text_or_empty(udev_device_get_sysname(device)));
  if (!address || !is_ours(device)) return;
  const auto action = text_or_empty(udev_device_get_action(device));
  if (action == "add")
    handler_(PciEvent::appeared, *address);
  else if (action == "remove")
    handler_(PciEvent::gone, *address);
  else if (action == "bind" || action == "unbind" || action == "change")
    handler_(PciEvent::driver_changed, *address);
}

}  // namespace nvccd
