// The file that makes node-feature-discovery label the node, without any access to Kubernetes.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/model/device.h"
#include "common/model/node.h"

namespace nvccd {

// Labels that NVIDIA's Confidential Computing manager sets too. Where no file of ours sets them, the node
// agent does.
inline constexpr std::string_view mode_state_label = "nvidia.com/cc.mode.state";
inline constexpr std::string_view ready_state_label = "nvidia.com/cc.ready.state";

// A line for each label. The first of the two above has the words of ModeState, the second is "true" or
// "false", never empty. The others, nvidia.com/nvccd.*, say what the managed devices are and which modes all
// of them can have.
std::string node_features(const NodeState& node, const std::map<PciAddress, DeviceSnapshot>& devices);

}  // namespace nvccd
