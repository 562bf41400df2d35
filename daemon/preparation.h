// What is done for the daemon by those with more privileges: udev, and systemd before it starts the daemon.
#pragma once

#include "common/config/settings.h"
#include "common/host/sysfs.h"

namespace nvccd {

// Whether the administrator has masked the service below this root directory, so that it cannot run although
// it may still be enabled.
bool service_is_masked(const std::filesystem::path& root);

// The driver override that udev is to give a new device, its driver loaded; nullopt: leave the device alone.
// Errors: the driver cannot be loaded.
Result<std::optional<std::string>> choose_driver(const HostPaths& paths, const PciAddress& address,
                                                 const Settings& settings);

// Loads the driver of each device that the daemon may bind, and names it in the device's driver_override: the
// udev rule did not do so for devices that were there before the service was enabled. Returns what failed.
std::vector<Error> prepare_devices(const HostPaths& paths, const Settings& settings);

}  // namespace nvccd
