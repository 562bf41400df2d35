// Finding and loading the kernel's vfio drivers.
#pragma once

#include <string>
#include <vector>

#include "pci/sysfs.h"

namespace nvccd {

// Modules that say they are a vfio driver for the device (aliases vfio_pci:...), the most specific first; the
// general vfio-pci, which takes everything, is last.
Result<std::vector<std::string>> find_vfio_modules(const std::string& device_modalias);

// Loads the module and what it needs; fine when it is loaded already or built in.
Result<> load_module(const std::string& name);

// The PCI driver that a loaded module registered.
Result<std::string> driver_of_module(const HostPaths& paths, const std::string& module);

}  // namespace nvccd
