// What nvccctl shows to people of the node and its devices, as text. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "client/text.h"
#include "common/bus/views.h"

namespace nvccd::client {

// "Mode  on", "Ready  yes", ...; with the jobs that run.
std::string render_node(const Snapshot& snapshot, const Page& page);

// One line a device under a line of headings, then what is wrong with which device. On a narrow page names
// are elided and columns left out; where the page has no width everything is there.
std::string render_devices(const std::vector<DeviceView>& devices, const Page& page);

// All there is to say about one device, a line each.
std::string render_device(const DeviceView& device, const Page& page);

}  // namespace nvccd::client
