// Whether somebody uses a driver of the host, by the use count of its module.
#pragma once

#include <optional>
#include <string>

#include "common/host/sysfs.h"

namespace nvccd {

// What uses the driver, in words; nullopt: nothing does. In doubt the driver is in use. The kernel does not
// tell users of one device of a driver from those of another, so any user counts.
std::optional<std::string> find_driver_use(const HostPaths& paths, const std::string& driver);

}  // namespace nvccd
