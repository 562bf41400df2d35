// Whether a display device is somebody's screen: the driver counts no users for that, so the device looks
// idle.
#pragma once

#include <optional>

#include "common/host/sysfs.h"

namespace nvccd {

// What shows its picture on the device, for a message ("the console is on its framebuffer fb0"); nullopt:
// nothing, or it cannot be known.
std::optional<std::string> find_console_use(const HostPaths& paths, const PciAddress& address);

}  // namespace nvccd
