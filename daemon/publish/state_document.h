// The content of the state file, for programs on the node that do not speak D-Bus.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "model/device.h"
#include "model/node.h"

namespace nvccd {

// How Kubernetes is to call the devices: nvidia.com/<alias>. An empty alias means by their model.
struct ResourceAliases {
  std::string pgpu_alias = "pgpu";
  std::string nvswitch_alias = "nvswitch";
};

// "nvidia.com/GH100_H100_SXM5_80GB" for "GH100 [H100 SXM5 80GB]": the name that NVIDIA's own device plugin
// gives this model. A device without a name in the PCI ID database is called by its four-digit device ID.
std::string model_resource(const DeviceSnapshot& device);

// The resource that the device counts as.
std::string resource(const DeviceSnapshot& device, const ResourceAliases& aliases);

// See conf/state.schema.json for the meaning of every member.
nlohmann::ordered_json state_document(const NodeState& node,
                                      const std::map<PciAddress, DeviceSnapshot>& devices,
                                      const ResourceAliases& aliases, std::string_view version,
                                      std::chrono::sys_seconds updated);

}  // namespace nvccd
