// Others who bind devices or change their mode.
#pragma once

#include "preflight/host_view.h"

namespace nvccd::preflight {

struct Rivals {
  std::vector<PciAddress> driverctl;  // whose driver it overrides
  // What libvirt itself binds, and the file of the machine that has it.
  std::vector<std::pair<PciAddress, std::string>> libvirt;
  std::vector<std::string> udev_rules;     // files of others that choose drivers
  std::vector<std::string> gpu_operator;   // files that its managers leave
  std::vector<std::string_view> services;  // those of NVIDIA's driver that run
};

Rivals look_for_rivals(const HostView& host);

}  // namespace nvccd::preflight
