// Container Device Interface specifications: how a runtime such as Kata's finds the device nodes behind the
// name of a device.
#pragma once

#include <map>
#include <string>

#include "common/formats/resource_name.h"
#include "common/model/device.h"

namespace nvccd {

// The content of one specification (JSON) for each kind, such as "nvidia.com/pgpu"; a kind without a healthy
// device has none.
//
// What a container gets is a whole IOMMU group, so a group is one device of the specification: called by the
// stable id of its first device, of that device's kind, with the nodes of all, and only while all are
// healthy.
//
// The version is 0.5.0, the newest that Kata's runtimes are sure to read. In this version kinds begin with a
// letter; a model known by its number only (see model_resource) may then have no kind, and is left out.
std::map<std::string, std::string> cdi_specifications(const std::map<PciAddress, DeviceSnapshot>& devices,
                                                      const ResourceAliases& aliases);

}  // namespace nvccd
