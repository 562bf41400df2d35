#include "daemon/udev/kvm_monitor.h"

#include <utility>

namespace nvccd {

Result<std::unique_ptr<KvmMonitor>> KvmMonitor::create(sd_event* event, Handlers handlers) {
  std::unique_ptr<KvmMonitor> monitor(new KvmMonitor(std::move(handlers)));
  auto listener =
      UdevListener::create(event, "misc",
                           {.event = [self = monitor.get()](udev_device& device) { self->take(device); },
                            .caught_up = [self = monitor.get()](bool lost) { self->tell(lost); }});
  if (!listener) return std::unexpected(listener.error());
  monitor->listener_ = *std::move(listener);
  return monitor;
}

void KvmMonitor::take(udev_device& device) {
  if (name_of(device) != "kvm" || action_of(device) != "change") return;
  const auto event = property_of(device, "EVENT");
  began_ |= event == "create";
  ended_ |= event == "destroy";
}

void KvmMonitor::tell(bool lost) {
  if (std::exchange(began_, false) || lost) handlers_.began();
  if (std::exchange(ended_, false) || lost) handlers_.ended();
}

}  // namespace nvccd
