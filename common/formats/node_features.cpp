#include "common/formats/node_features.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

namespace nvccd {
namespace {

// Managed devices only: what an administrator excluded is not for the cluster.
std::vector<const DeviceSnapshot*> managed(const std::map<PciAddress, DeviceSnapshot>& devices,
                                           DeviceKind kind) {
  std::vector<const DeviceSnapshot*> found;
  for (const auto& [address, device] : devices)
    if (device.kind == kind && device.state != DeviceState::unmanaged) found.push_back(&device);
  return found;
}

bool supports(const std::vector<const DeviceSnapshot*>& devices, Mode mode) {
  return std::ranges::all_of(devices, [&](const DeviceSnapshot* device) {
    const auto& modes = device->supported_modes;
    return std::ranges::find(modes, mode) != modes.end();
  });
}

}  // namespace

std::string node_features(const NodeState& node, const std::map<PciAddress, DeviceSnapshot>& devices) {
  const auto gpus = managed(devices, DeviceKind::gpu);
  const auto nvswitches = managed(devices, DeviceKind::nvswitch);
  std::string lines = "# Written by nvccd for node-feature-discovery; removed when nvccd stops.\n";
  const auto label = [&](std::string_view name, auto value) { lines += fmt::format("{}={}\n", name, value); };
  label(mode_state_label, to_string(node.mode_state));
  label(ready_state_label, node.ready);
  label("nvidia.com/nvccd.gpu.count", gpus.size());
  label("nvidia.com/nvccd.nvswitch.count", nvswitches.size());
  std::set<std::string_view> architectures;
  for (const DeviceSnapshot* gpu : gpus)
    architectures.insert(to_string(gpu->architecture));
  for (const std::string_view architecture : architectures)
    label(fmt::format("nvidia.com/nvccd.gpu.architecture.{}", architecture), true);
  for (const Mode mode : {Mode::on, Mode::devtools, Mode::ppcie}) {
    const bool all =
        !gpus.empty() && supports(gpus, mode) && (mode != Mode::ppcie || supports(nvswitches, mode));
    label(fmt::format("nvidia.com/nvccd.capable.{}", to_string(mode)), all);
  }
  return lines;
}

}  // namespace nvccd
