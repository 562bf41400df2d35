// What Kubernetes calls the devices: the names of its extended resources, which are also the kinds of CDI.
#pragma once

#include <string>

#include "common/model/device.h"

namespace nvccd {

// How Kubernetes is to call the devices: nvidia.com/<alias>. An empty alias means by their model.
struct ResourceAliases {
  std::string pgpu_alias = "pgpu";
  std::string nvswitch_alias = "nvswitch";
};

// "nvidia.com/GH100_H100_SXM5_80GB" for "GH100 [H100 SXM5 80GB]": the name that NVIDIA's own device plugin
// gives this model. A device without a name in the PCI ID database is called by its four-digit device ID.
std::string model_resource(const DeviceSnapshot& device);

// The resource that the device counts as.
std::string resource(const DeviceSnapshot& device, const ResourceAliases& aliases);

}  // namespace nvccd
