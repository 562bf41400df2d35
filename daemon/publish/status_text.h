// The line that systemctl status shows.
#pragma once

#include <map>
#include <string>

#include "common/model/device.h"
#include "common/model/node.h"

namespace nvccd {

// "Mode on, ready: 8 GPUs, 4 NVSwitches", "Changing to ppcie: reset, 42 %", "Not ready: 0000:65:00.0: ...".
// `job` is the current one, null when there is none. `broken_settings` says why the settings in force are not
// those of the files; "" when they are.
std::string status_text(const NodeState& node, const std::map<PciAddress, DeviceSnapshot>& devices,
                        const JobSnapshot* job, const std::string& broken_settings);

}  // namespace nvccd
