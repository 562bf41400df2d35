// What the state file of nvccd says (conf/state.schema.json), as values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/device.h"
#include "common/model/node.h"

namespace nvccd::kubernetes {

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

struct State {
  NodeState node;  // with the generation
  std::string version;
  std::vector<StateDevice> devices;  // by ascending address, each address once

  bool operator==(const State&) const = default;
};

// Nothing of a document that is wrong anywhere counts: the errors name the member. Unknown members are
// ignored.
Result<State> parse_state(std::string_view text);

// Does not block, whatever is at `path`. A missing file, one that is no regular file or is larger than any
// nvccd would write, and one that does not parse are errors which name `path`.
Result<State> read_state_file(const std::filesystem::path& path);

}  // namespace nvccd::kubernetes
