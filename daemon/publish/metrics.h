// The node as metrics, in the text format that Prometheus' node_exporter collects from files.
#pragma once

#include <string>
#include <string_view>

#include "daemon/engine/manager.h"
#include "daemon/publish/transition_statistics.h"

namespace nvccd {

std::string metrics(const NodeState& node, const std::map<PciAddress, DeviceSnapshot>& devices,
                    const TransitionStatistics& statistics, std::string_view version);

}  // namespace nvccd
