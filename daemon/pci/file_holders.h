// Who has a device node open.
#pragma once

#include <optional>
#include <string>

#include "pci/sysfs.h"

namespace nvccd {

// "qemu-system-x86 (pid 4711)"; nullopt when nobody has it open, or the one who has may not be looked at.
std::optional<std::string> find_holder(const HostPaths& paths, const std::string& node);

}  // namespace nvccd
