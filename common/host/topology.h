// Which bridges are between a device and the root.
#pragma once

#include "common/host/sysfs.h"

namespace nvccd {

// From the root to the device, itself not among them; none when the device is not there.
std::vector<PciAddress> bridges_above(const HostPaths& paths, const PciAddress& address);

}  // namespace nvccd
