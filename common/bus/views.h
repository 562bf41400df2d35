// The node, its devices and jobs as nvccctl shows them. Texts are those of the bus.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/property_map.h"

namespace nvccd::client {

struct NodeView {
  std::string version;
  std::string default_mode;
  std::string node_mode;  // "": none
  std::string requested_mode;
  std::string mode_state;
  bool ready = false;
  std::string host_confidential;
  std::string error;  // "" when nothing is wrong
  std::uint64_t generation = 0;
};

struct DeviceView {
  std::string address;
  std::string kind;
  std::uint16_t vendor_id = 0;
  std::uint16_t device_id = 0;
  std::string name;
  std::string architecture;
  std::vector<std::string> supported_modes;
  std::string driver;  // "": none
  std::int64_t iommu_group = -1;
  std::string vfio_group;
  std::string vfio_device;
  std::int64_t numa_node = -1;
  std::string mode;
  std::string requested_mode;  // "": none
  std::string state;
  bool in_use = false;
  std::string error;
};

struct JobView {
  std::uint64_t id = 0;
  std::string kind;
  std::string mode;                  // "" for jobs that set none
  std::vector<std::string> devices;  // PCI addresses
  std::string state;
  std::string phase;
  double progress = 0;
  std::string error;
  std::string error_name;

  std::string title() const { return mode.empty() ? kind : kind + " " + mode; }  // "set-mode on"
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
