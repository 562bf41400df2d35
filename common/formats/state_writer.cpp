#include <fmt/chrono.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "common/formats/state_file.h"

namespace nvccd {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string hex_id(std::uint16_t id) {
  return fmt::format("{:04x}", id);
}

OrderedJson text_or_null(const std::string& text) {
  return text.empty() ? OrderedJson(nullptr) : OrderedJson(text);
}

template <typename T>
OrderedJson number_or_null(const std::optional<T>& number) {
  return number ? OrderedJson(*number) : OrderedJson(nullptr);
}

OrderedJson mode_or_null(const std::optional<Mode>& mode) {
  return mode ? OrderedJson(to_string(*mode)) : OrderedJson(nullptr);
}

OrderedJson node_document(const NodeState& node) {
  return {{"default_mode", to_string(node.default_mode)},
          {"node_mode", mode_or_null(node.node_mode)},
          {"requested_mode", to_string(node.requested_mode)},
          {"mode_state", to_string(node.mode_state)},
          {"ready", node.ready},
          {"host_confidential", to_string(node.host_confidential)},
          {"error", text_or_null(node.error)}};
}

OrderedJson device_document(const DeviceSnapshot& device, const ResourceAliases& aliases) {
  OrderedJson supported_modes = OrderedJson::array();
  for (const Mode mode : device.supported_modes)
    supported_modes.push_back(to_string(mode));
  return {{"address", to_string(device.address)},
          {"id", to_stable_id(device.address)},
          {"kind", to_string(device.kind)},
          {"vendor_id", hex_id(device.vendor_id)},
          {"device_id", hex_id(device.device_id)},
          {"name", device.name},
          {"architecture", to_string(device.architecture)},
          {"supported_modes", std::move(supported_modes)},
          {"resource", resource(device, aliases)},
          {"model_resource", model_resource(device)},
          {"driver", text_or_null(device.driver)},
          {"iommu_group", number_or_null(device.iommu_group)},
          {"vfio_group", text_or_null(device.vfio_group)},
          {"vfio_device", text_or_null(device.vfio_device)},
          {"numa_node", number_or_null(device.numa_node)},
          {"mode", to_string(device.mode)},
          {"requested_mode", mode_or_null(device.requested_mode)},
          {"state", to_string(device.state)},
          {"healthy", device.healthy()},
          {"in_use", device.in_use},
          {"error", text_or_null(device.error)}};
}

}  // namespace

nlohmann::ordered_json state_document(const NodeState& node,
                                      const std::map<PciAddress, DeviceSnapshot>& devices,
                                      const ResourceAliases& aliases, std::string_view version,
                                      std::chrono::sys_seconds updated) {
  OrderedJson device_documents = OrderedJson::array();
  for (const auto& [address, device] : devices)
    device_documents.push_back(device_document(device, aliases));
  return {{"schema", state_schema},
          {"generation", node.generation},
          {"updated", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", updated)},
          {"version", version},
          {"node", node_document(node)},
          {"devices", std::move(device_documents)}};
}

// Names come from a file of the system; whatever bytes are in them, the document must be written.
std::string state_text(const OrderedJson& document) {
  return document.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

}  // namespace nvccd
