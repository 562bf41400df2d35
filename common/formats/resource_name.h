// What Kubernetes calls the devices: the names of its extended resources, which are also the kinds of CDI.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/model/device.h"

namespace nvccd {

inline constexpr std::string_view resource_domain = "nvidia.com/";  // of all names that nvccd gives

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

// Whether Kubernetes and CDI accept the text as the part after the slash.
bool is_resource_alias(std::string_view text);

// Why the kubelet, a pod or CDI could not use the whole name; nullopt when they can.
std::optional<std::string> problem_of_resource_name(std::string_view name);

}  // namespace nvccd
