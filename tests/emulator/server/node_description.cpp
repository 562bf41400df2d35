#include "node_description.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace emulator::server {

namespace {

using nlohmann::json;

constexpr std::pair<Model, std::string_view> models[] = {{Model::gh100, "gh100"},
                                                         {Model::gb100, "gb100"},
                                                         {Model::gb102, "gb102"},
                                                         {Model::gb202, "gb202"},
                                                         {Model::ls10, "ls10"}};

constexpr std::size_t longest_name = 32;

bool usable_name(std::string_view name) {
  const auto usable = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= longest_name && name != "control" &&
         std::all_of(name.begin(), name.end(), usable);
}

// 0 when the key is not there.
std::expected<std::uint64_t, std::string> number(const json& value, const char* key, std::uint64_t most) {
  const auto found = value.find(key);
  if (found == value.end()) return 0;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() > most) {
    return std::unexpected(fmt::format("\"{}\" must be a number from 0 to {}", key, most));
  }
  return found->get<std::uint64_t>();
}

std::string text(const json& value, const char* key) {
  const auto found = value.find(key);
  return found != value.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::expected<DeviceDescription, std::string> describe(std::string name, const std::string& model) {
  const auto known = parse_model(model);
  if (!known) return std::unexpected(fmt::format("no model \"{}\": use one of {}", model, known_models()));
  return DeviceDescription{std::move(name), *known, {}};
}

}  // namespace

std::string_view model_name(Model model) {
  for (const auto& [value, name] : models) {
    if (value == model) return name;
  }
  return "unknown";
}

std::optional<Model> parse_model(std::string_view name) {
  for (const auto& [model, known] : models) {
    if (known == name) return model;
  }
  return std::nullopt;
}

std::string known_models() {
  std::string list;
  for (const auto& [model, name] : models)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", name);
  return list;
}

std::expected<DeviceDescription, std::string> parse_device(const json& value) {
  if (!value.is_object()) return std::unexpected("a device must be a JSON object");
  const std::string name = text(value, "name");
  if (!usable_name(name)) {
    return std::unexpected(fmt::format(
        "\"{}\" cannot be a device's name: use up to {} lower case letters, digits, '-' and '_', and "
        "not \"control\"",
        name, longest_name));
  }
  auto device = describe(name, text(value, "model"));
  if (!device) return device;
  const auto id = number(value, "device_id", 0xFFFF);
  if (!id) return std::unexpected(id.error());
  device->options.device_id = static_cast<std::uint16_t>(*id);
  const auto mebibytes = number(value, "bar1_mib", 1U << 20U);
  if (!mebibytes) return std::unexpected(mebibytes.error());
  if (*mebibytes != 0) {
    if (!std::has_single_bit(*mebibytes)) return std::unexpected("\"bar1_mib\" must be a power of two");
    device->options.bar1_size = *mebibytes << 20U;
  }
  return device;
}

std::expected<std::vector<DeviceDescription>, std::string> parse_node(const json& value) {
  if (!value.is_object() || !value.contains("devices") || !value["devices"].is_array()) {
    return std::unexpected("a node must be a JSON object with a list \"devices\"");
  }
  std::vector<DeviceDescription> devices;
  std::set<std::string> names;
  for (const json& entry : value["devices"]) {
    auto device = parse_device(entry);
    if (!device) return std::unexpected(device.error());
    if (!names.insert(device->name).second) {
      return std::unexpected(fmt::format("two devices are named {}", device->name));
    }
    devices.push_back(std::move(*device));
  }
  return devices;
}

std::expected<std::vector<DeviceDescription>, std::string> name_devices(
    const std::vector<std::string>& gpus, const std::vector<std::string>& nvswitches) {
  std::vector<DeviceDescription> devices;
  for (const auto& [prefix, list, is_switch] :
       {std::tuple{"gpu", &gpus, false}, std::tuple{"sw", &nvswitches, true}}) {
    for (std::size_t i = 0; i < list->size(); ++i) {
      auto device = describe(fmt::format("{}{}", prefix, i), (*list)[i]);
      if (!device) return std::unexpected(device.error());
      if ((device->model == Model::ls10) != is_switch) {
        return std::unexpected(
            fmt::format("{} is {}", (*list)[i], is_switch ? "not an NVSwitch" : "not a GPU"));
      }
      devices.push_back(std::move(*device));
    }
  }
  return devices;
}

}  // namespace emulator::server
