// What nvccctl shows to programs. Members are called as in the state file; what is not there is null.
#pragma once

#include <nlohmann/json.hpp>

#include "common/bus/views.h"

namespace nvccd::client {

nlohmann::ordered_json node_json(const NodeView& node);
nlohmann::ordered_json device_json(const DeviceView& device);
nlohmann::ordered_json job_json(const JobView& job);

nlohmann::ordered_json devices_json(const std::vector<DeviceView>& devices);
nlohmann::ordered_json status_json(const Snapshot& snapshot);

// As text; bytes that are not UTF-8 are replaced.
std::string to_text(const nlohmann::ordered_json& json, int indentation = 2);

}  // namespace nvccd::client
