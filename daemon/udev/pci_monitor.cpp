#include "daemon/udev/pci_monitor.h"

#include <array>

namespace nvccd {
namespace {

// As the kernel's pci_uevent_ers() says it.
PciEvent stage_of(std::string_view recovery) {
  if (recovery == "SUCCESSFUL_RECOVERY") return PciEvent::recovery_ended;
  return recovery == "FAILED_RECOVERY" ? PciEvent::recovery_failed : PciEvent::recovery_began;
}

// By properties, not attributes: of a device that is gone there are none.
bool is_ours(udev_device& device) {
  const auto id = property_of(device, "PCI_ID");
  const auto device_class = property_of(device, "PCI_CLASS");
  if (!id.starts_with("10DE:") && !id.starts_with("10de:")) return false;
  // Leading zeros are not printed.
  constexpr std::array classes = {"30000", "30200", "68000"};
  for (const char* ours : classes)
    if (device_class == ours) return true;
  return false;
}

}  // namespace

Result<std::unique_ptr<PciMonitor>> PciMonitor::create(sd_event* event, Handler handler,
                                                       std::function<void()> lost) {
  std::unique_ptr<PciMonitor> monitor(new PciMonitor(std::move(handler)));
  auto listener =
      UdevListener::create(event, "pci",
                           {.event = [self = monitor.get()](udev_device& device) { self->tell_of(device); },
                            .caught_up =
                                [lost = std::move(lost)](bool events_lost) {
                                  if (events_lost) lost();
                                }});
  if (!listener) return std::unexpected(listener.error());
  monitor->listener_ = *std::move(listener);
  return monitor;
}

void PciMonitor::tell_of(udev_device& device) {
  const auto address = PciAddress::parse(name_of(device));
  if (!address) return;
  const auto action = action_of(device);
  // From AER, DPC and EEH. Of a recovery that failed some kernels tell at the bridge alone.
  if (const auto recovery = property_of(device, "ERROR_EVENT"); action == "change" && !recovery.empty())
    return handler_(stage_of(recovery), *address);
  if (!is_ours(device)) return;
  // Every boot and "udevadm trigger" make events of what is there, for rules to see; nothing has happened.
  const bool synthetic = !property_of(device, "SYNTH_UUID").empty();
  if (action == "add" || synthetic)
    handler_(PciEvent::appeared, *address);
  else if (action == "remove")
    handler_(PciEvent::gone, *address);
  else if (action == "bind" || action == "unbind" || action == "change")
    handler_(PciEvent::driver_changed, *address);
}

}  // namespace nvccd
