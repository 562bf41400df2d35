#include "client/json_output.h"

#include <fmt/format.h>

#include <algorithm>

namespace nvccd::client {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}
template <typename Enum>
Json or_null(const Word<Enum>& word) {
  return or_null(word.text);
}
Json or_null(std::int64_t number) {
  return number < 0 ? Json(nullptr) : Json(number);
}

std::string stable_id(std::string address) {
  std::ranges::replace(address, ':', '-');
  return address;
}

}  // namespace

Json node_json(const NodeView& node) {
  return {{"default_mode", node.default_mode.text},
          {"node_mode", or_null(node.node_mode)},
          {"requested_mode", node.requested_mode.text},
          {"mode_state", node.mode_state.text},
          {"ready", node.ready},
          {"host_confidential", node.host_confidential.text},
          {"error", or_null(node.error)}};
}

Json device_json(const DeviceView& device) {
  return {{"address", device.address},
          {"id", stable_id(device.address)},
          {"kind", device.kind.text},
          {"vendor_id", fmt::format("{:04x}", device.vendor_id)},
          {"device_id", fmt::format("{:04x}", device.device_id)},
          {"name", device.name},
          {"architecture", device.architecture.text},
          {"supported_modes", device.supported_modes},
          {"driver", or_null(device.driver)},
          {"iommu_group", or_null(device.iommu_group)},
          {"vfio_group", or_null(device.vfio_group)},
          {"vfio_device", or_null(device.vfio_device)},
          {"numa_node", or_null(device.numa_node)},
          {"mode", device.mode.text},
          {"requested_mode", or_null(device.requested_mode)},
          {"state", device.state.text},
          {"healthy", device.state == DeviceState::ready},
          {"in_use", device.in_use},
          {"error", or_null(device.error)}};
}

Json job_json(const JobView& job) {
  return {{"id", job.id},
          {"kind", job.kind.text},
          {"mode", or_null(job.mode)},
          {"devices", job.devices},
          {"state", job.state.text},
          {"phase", job.phase.text},
          {"progress", job.progress},
          {"error", or_null(job.error)},
          {"error_name", or_null(job.error_name)}};
}

Json devices_json(const std::vector<DeviceView>& devices) {
  Json list = Json::array();
  for (const DeviceView& device : devices)
    list.push_back(device_json(device));
  return list;
}

Json status_json(const Snapshot& snapshot) {
  Json jobs = Json::array();
  for (const JobView& job : snapshot.jobs)
    jobs.push_back(job_json(job));
  return {{"version", snapshot.node.version},
          {"generation", snapshot.node.generation},
          {"node", node_json(snapshot.node)},
          {"devices", devices_json(snapshot.devices)},
          {"jobs", std::move(jobs)}};
}

std::string to_text(const Json& json, int indentation) {
  return json.dump(indentation, ' ', false, Json::error_handler_t::replace);
}

}  // namespace nvccd::client
