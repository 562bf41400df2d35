// Which devices a node has, as the command line, a file or a control request name them.
#pragma once

#include <expected>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/emulator/device.h"

namespace emulator::server {

struct DeviceDescription {
  std::string name;  // also the socket's file name; lower case letters, digits, '-' and '_'
  Model model{};
  DeviceOptions options;
};

std::string_view model_name(Model model);
std::optional<Model> parse_model(std::string_view name);
std::string known_models();  // for messages

// {"name": "gpu0", "model": "gh100", "device_id": 8985, "bar1_mib": 64}; the last two may be left out.
// Errors are sentences.
std::expected<DeviceDescription, std::string> parse_device(const nlohmann::json& value);
// {"devices": [...]}, each as above.
std::expected<std::vector<DeviceDescription>, std::string> parse_node(const nlohmann::json& value);
// gpu0, gpu1, ... and sw0, sw1, ... in the order given.
std::expected<std::vector<DeviceDescription>, std::string> name_devices(
    const std::vector<std::string>& gpus, const std::vector<std::string>& nvswitches);

}  // namespace emulator::server
