// Finding and loading kernel modules, as modprobe does. `root` is put before the directories of modules and
// of modprobe's configuration; "" is this host.
#pragma once

#include <string>
#include <vector>

#include "common/host/sysfs.h"

namespace nvccd {

// Modules that say they are a vfio driver for the device (aliases vfio_pci:...), the most specific first; the
// general vfio-pci, which takes everything, is last.
Result<std::vector<std::string>> find_vfio_modules(const std::string& device_modalias,
                                                   const std::string& root = "");

// Modules of that name, or for a device of that modalias, without those that modprobe's configuration denies:
// what udev and systemd load.
Result<std::vector<std::string>> find_allowed_modules(const std::string& alias, const std::string& root = "");

// Whether the running kernel has the module, built in or not.
Result<bool> has_module(const std::string& name, const std::string& root = "");

// The options that the configuration has for the module: "ids=10de:2330 disable_idle_d3=1".
Result<std::string> module_options(const std::string& name, const std::string& root = "");

// Loads the module and what it needs; fine when it is loaded already or built in.
Result<> load_module(const std::string& name);

// The PCI driver that a loaded module registered.
Result<std::string> driver_of_module(const HostPaths& paths, const std::string& module);

}  // namespace nvccd
