// What nvccctl shows to people, as text. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "client/views.h"

namespace nvccd::client {

// "Mode  on", "Ready  yes", ...; with the job that runs, if one does.
std::string render_node(const NodeView& node, const std::vector<JobView>& jobs, bool colour);

// One line a device under a line of headings, then what is wrong with which device.
std::string render_devices(const std::vector<DeviceView>& devices, bool colour);

// All there is to say about one device, a line each.
std::string render_device(const DeviceView& device, bool colour);

// "set-mode on: boot, 45 %, 6 devices"
std::string render_job(const JobView& job);

// "1 device", "6 devices"
std::string count_devices(std::size_t count);

}  // namespace nvccd::client
