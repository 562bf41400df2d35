#include "common/bus/views.h"

#include <algorithm>

namespace nvccd::client {
namespace {

std::string text(const PropertyMap& properties, std::string_view name) {
  return get<std::string>(properties, name);
}

template <typename Enum>
Word<Enum> word(const PropertyMap& properties, std::string_view name) {
  return Word<Enum>(text(properties, name));
}

// ".../device/0000_65_00_0" -> "0000:65:00.0"
std::string address_of_path(const std::string& path) {
  std::string address = path.substr(path.rfind('/') + 1);
  std::ranges::replace(address, '_', ':');
  if (const auto last = address.rfind(':'); last != std::string::npos) address[last] = '.';
  return address;
}

}  // namespace

NodeView to_node(const PropertyMap& properties) {
  return {.version = text(properties, "Version"),
          .default_mode = word<Mode>(properties, "DefaultMode"),
          .node_mode = word<Mode>(properties, "NodeMode"),
          .requested_mode = word<Mode>(properties, "RequestedMode"),
          .mode_state = word<ModeState>(properties, "ModeState"),
          .ready = get<bool>(properties, "Ready"),
          .host_confidential = word<HostConfidential>(properties, "HostConfidential"),
          .error = text(properties, "Error"),
          .generation = get<std::uint64_t>(properties, "Generation")};
}

DeviceView to_device(const PropertyMap& properties) {
  return {.address = text(properties, "Address"),
          .kind = word<DeviceKind>(properties, "Kind"),
          .vendor_id = static_cast<std::uint16_t>(get<std::uint64_t>(properties, "VendorId")),
          .device_id = static_cast<std::uint16_t>(get<std::uint64_t>(properties, "DeviceId")),
          .name = text(properties, "Name"),
          .architecture = word<Architecture>(properties, "Architecture"),
          .supported_modes = get<std::vector<std::string>>(properties, "SupportedModes"),
          .driver = text(properties, "Driver"),
          .iommu_group = get<std::int64_t>(properties, "IommuGroup"),
          .vfio_group = text(properties, "VfioGroup"),
          .vfio_device = text(properties, "VfioDevice"),
          .numa_node = get<std::int64_t>(properties, "NumaNode"),
          .mode = word<Mode>(properties, "Mode"),
          .requested_mode = word<Mode>(properties, "RequestedMode"),
          .state = word<DeviceState>(properties, "State"),
          .in_use = get<bool>(properties, "InUse"),
          .error = text(properties, "Error")};
}

JobView to_job(const PropertyMap& properties) {
  JobView job{.id = get<std::uint64_t>(properties, "Id"),
              .kind = word<JobKind>(properties, "Kind"),
              .mode = word<Mode>(properties, "Mode"),
              .state = word<JobState>(properties, "State"),
              .phase = word<JobPhase>(properties, "Phase"),
              .progress = get<double>(properties, "Progress"),
              .error = text(properties, "Error"),
              .error_name = text(properties, "ErrorName")};
  for (const std::string& path : get<std::vector<std::string>>(properties, "Devices"))
    job.devices.push_back(address_of_path(path));
  return job;
}

}  // namespace nvccd::client
