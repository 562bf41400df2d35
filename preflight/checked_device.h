// A device that the settings do not exclude, by what the kernel says of it; its registers are not touched.
#pragma once

#include <cstdint>

#include "common/host/device_facts.h"
#include "preflight/host_view.h"

namespace nvccd::preflight {

struct Bar {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t flags = 0;
  std::uint64_t largest = 0;  // largest possible size; 0: not resizable, or only root may know

  bool is_unassigned() const;
  std::uint64_t size() const { return end > start ? end - start + 1 : 0; }
};

// As sysfs says; "": it says nothing.
struct Link {
  std::string width;
  std::string full_width;
  std::string speed;
  std::string full_speed;
};

struct CheckedDevice {
  PciAddress address;
  DeviceFacts facts;
  std::vector<PciAddress> strangers;  // functions of other cards in its IOMMU group, but no bridges
  std::vector<PciAddress> bridges;    // from the root to the device
  std::optional<bool> answers;        // nullopt: its configuration space cannot be read
  std::optional<std::vector<Bar>> bars;
  Link link;
  bool is_awake = false;
  bool can_be_reset = false;
  std::string module;  // the module of its driver; "": none
  // Found by the device's modalias; nullopt: it has none. The modules that udev loads, and the vfio drivers
  // that there are, the best first.
  std::optional<Result<std::vector<std::string>>> autoloaded;
  std::optional<Result<std::vector<std::string>>> vfio_modules;
};

CheckedDevice look_at_device(const HostView& host, const PciAddress& address, const DeviceFacts& facts);

}  // namespace nvccd::preflight
