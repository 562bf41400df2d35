// Other programs that bind devices or change their mode.
#pragma once

#include "preflight/host_view.h"

namespace nvccd::preflight {

struct Rivals {
  std::vector<PciAddress> driverctl;  // devices whose driver driverctl overrides
  // Each device that libvirt itself binds, and the file of the VM that has the device.
  std::vector<std::pair<PciAddress, std::string>> libvirt;
  std::vector<std::string> udev_rules;     // files of other programs that choose drivers
  std::vector<std::string> gpu_operator;   // files that the operator's managers leave
  std::vector<std::string_view> services;  // services of NVIDIA's driver that run
};

Rivals look_for_rivals(const HostView& host);

}  // namespace nvccd::preflight
