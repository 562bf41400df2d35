// The devices of an IOMMU group, which VFIO gives away only together. One rule for the CDI files and for the
// device plugin, whose answers must be the same.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace nvccd {

// `Device` has iommu_group, vfio_group and vfio_device as DeviceSnapshot has them.
template <typename Device>
using VfioUnit = std::vector<const Device*>;

// A device without a group is a unit of its own. Units are in the order of their first devices, and devices
// within a unit in the order of `devices`, from which the pointers are.
template <typename Device>
std::vector<VfioUnit<Device>> vfio_units(const std::vector<const Device*>& devices) {
  std::vector<VfioUnit<Device>> units;
  for (const Device* device : devices) {
    const auto group = std::ranges::find_if(units, [&](const VfioUnit<Device>& unit) {
      return device->iommu_group && unit.front()->iommu_group == device->iommu_group;
    });
    if (group != units.end())
      group->push_back(device);
    else
      units.push_back({device});
  }
  return units;
}

// The nodes that a container has to be given. With iommufd each device has a node of its own; without, the
// group has one, which needs /dev/vfio/vfio beside it. Empty while there are none.
template <typename Device>
std::vector<std::string> vfio_nodes(const VfioUnit<Device>& unit) {
  std::vector<std::string> nodes;
  for (const Device* device : unit)
    if (!device->vfio_device.empty()) nodes.push_back(device->vfio_device);
  if (nodes.size() == unit.size()) return nodes;
  const std::string& group = unit.front()->vfio_group;
  if (group.empty()) return {};
  return {"/dev/vfio/vfio", group};
}

}  // namespace nvccd
