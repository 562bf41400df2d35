// The node, its devices and jobs as other programs see them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/error_name.h"
#include "common/bus/property_map.h"
#include "common/bus/word.h"
#include "common/model/device.h"
#include "common/model/node.h"

namespace nvccd::client {

struct NodeView {
  std::string version;
  Word<Mode> default_mode;
  Word<Mode> node_mode;  // "": none
  Word<Mode> requested_mode;
  Word<ModeState> mode_state;
  bool ready = false;
  Word<HostConfidential> host_confidential;
  std::string error;  // "" when nothing is wrong
  std::uint64_t generation = 0;
};

struct DeviceView {
  std::string address;
  Word<DeviceKind> kind;
  std::uint16_t vendor_id = 0;
  std::uint16_t device_id = 0;
  std::string name;
  Word<Architecture> architecture;
  std::vector<std::string> supported_modes;  // for people and programs to read
  std::string driver;                        // "": none
  std::int64_t iommu_group = -1;
  std::string vfio_group;
  std::string vfio_device;
  std::int64_t numa_node = -1;
  Word<Mode> mode;            // "unknown" is none
  Word<Mode> requested_mode;  // "": none
  Word<DeviceState> state;
  bool in_use = false;
  std::string error;
};

struct JobView {
  std::uint64_t id = 0;
  Word<JobKind> kind;
  Word<Mode> mode;                   // "" for jobs that set none
  std::vector<std::string> devices;  // PCI addresses
  Word<JobState> state;
  Word<JobPhase> phase;
  double progress = 0;
  std::string error;
  std::string error_name;

  // "set-mode on"
  std::string title() const { return mode.text.empty() ? kind.text : kind.text + " " + mode.text; }
};

struct Snapshot {
  NodeView node;
  std::vector<DeviceView> devices;  // by address
  std::vector<JobView> jobs;
};

NodeView to_node(const PropertyMap& properties);
DeviceView to_device(const PropertyMap& properties);
JobView to_job(const PropertyMap& properties);

}  // namespace nvccd::client
