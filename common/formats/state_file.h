// The state file, for programs on the node that do not speak D-Bus: conf/state.schema.json has the meaning of
// every member.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/formats/resource_name.h"
#include "common/model/device.h"
#include "common/model/node.h"

namespace nvccd {

inline constexpr std::uint64_t state_schema = 1;

// ---- as nvccd writes it ----

nlohmann::ordered_json state_document(const NodeState& node,
                                      const std::map<PciAddress, DeviceSnapshot>& devices,
                                      const ResourceAliases& aliases, std::string_view version,
                                      std::chrono::sys_seconds updated);

// The content of the file.
std::string state_text(const nlohmann::ordered_json& document);

// ---- as it is read ----

struct StateDevice {
  PciAddress address;
  std::string id;  // stable name for Kubernetes and CDI, to_stable_id(address)
  DeviceKind kind = DeviceKind::gpu;
  std::string name;                // of the model
  std::string resource;            // nvidia.com/pgpu; not checked for what Kubernetes accepts
  std::optional<int> iommu_group;  // not negative
  std::string vfio_group;          // /dev/vfio/65, "" when there is none
  std::string vfio_device;         // /dev/vfio/devices/vfio0, "" where the kernel has none
  std::optional<int> numa_node;    // not negative
  std::optional<Mode> mode;        // nullopt: unknown
  std::optional<Mode> requested_mode;
  DeviceState state = DeviceState::discovered;
  bool healthy = false;
  bool in_use = false;
  std::string error;  // "" when nothing is wrong

  bool operator==(const StateDevice&) const = default;
};

struct PublishedState {
  NodeState node;  // with the generation
  std::string version;
  std::vector<StateDevice> devices;  // by ascending address, each address once

  bool operator==(const PublishedState&) const = default;
};

// A document that is wrong anywhere is refused as a whole: the errors name the member. Unknown members are
// ignored.
Result<PublishedState> parse_state(std::string_view text);

// Does not block, whatever is at `path`. A missing file, one that is no regular file or is larger than any
// nvccd would write, and one that does not parse are errors which name `path`.
Result<PublishedState> read_state_file(const std::filesystem::path& path);

}  // namespace nvccd
