// Whether somebody uses a device through a display or compute driver of the host.
#pragma once

#include <optional>
#include <string>

#include "pci/sysfs.h"

namespace nvccd {

// What uses it, in words; nullopt: nothing does. In doubt it is in use.
std::optional<std::string> find_driver_use(const HostPaths& paths, const PciAddress& address,
                                           const std::string& driver);

}  // namespace nvccd
