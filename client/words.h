// How nvccctl says what a node, a device or a job does. Pure functions.
#pragma once

#include <cstddef>
#include <string>

#include "common/bus/views.h"

namespace nvccd::client {

// "1 device", "6 devices"
std::string count_devices(std::size_t count);

// "on", or "off -> on" while the device is not in the mode that is requested of it.
std::string mode_text(const DeviceView& device);

// "ready (in use)"
std::string state_text(const DeviceView& device);

// What is wrong with the device, beginning with its address; "" when nothing is.
std::string error_text(const DeviceView& device);

// "booting", "looking at the devices" before it runs, "waiting for devices in use"
std::string doing(const JobView& job);

// "set-mode on: booting, 45 %, 6 devices"
std::string job_text(const JobView& job);

// Why the node is not ready, in a few words; "" when it is.
std::string why_not_ready(const Snapshot& snapshot);

}  // namespace nvccd::client
