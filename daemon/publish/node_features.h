// The file that makes node-feature-discovery label the node, without any access to Kubernetes.
#pragma once

#include <map>
#include <string>

#include "common/model/device.h"
#include "common/model/node.h"

namespace nvccd {

// A line for each label. The two labels with cc. are those that NVIDIA's Confidential Computing manager sets:
// nvidia.com/cc.mode.state has the words of ModeState, and nvidia.com/cc.ready.state is "true" or "false",
// never empty. The others, nvidia.com/nvccd.*, say what the managed devices are and which modes all of them
// can have.
std::string node_features(const NodeState& node, const std::map<PciAddress, DeviceSnapshot>& devices);

}  // namespace nvccd
