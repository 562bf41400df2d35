// The content of the state file, for programs on the node that do not speak D-Bus.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "common/model/device.h"
#include "common/model/node.h"
#include "daemon/publish/resource_name.h"

namespace nvccd {

// See conf/state.schema.json for the meaning of every member.
nlohmann::ordered_json state_document(const NodeState& node,
                                      const std::map<PciAddress, DeviceSnapshot>& devices,
                                      const ResourceAliases& aliases, std::string_view version,
                                      std::chrono::sys_seconds updated);

}  // namespace nvccd
