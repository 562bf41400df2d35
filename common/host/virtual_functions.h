// Devices that are used by parts: SR-IOV makes virtual functions of a physical one, a vGPU manager mediated
// devices.
#pragma once

#include <optional>
#include <string>

#include "common/host/sysfs.h"

namespace nvccd {

// Such a function has the vendor, device and class of its physical one, which alone is a device of nvccd's.
bool is_virtual_function(const HostPaths& paths, const PciAddress& address);

// Which parts of the device are there for guests, in words; nullopt: none. Any part may be in use by itself,
// which shows nowhere on the whole, and goes with a reset of the whole.
std::optional<std::string> find_parts(const HostPaths& paths, const PciAddress& address);

}  // namespace nvccd
