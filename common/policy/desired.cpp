#include "common/policy/desired.h"

#include <fmt/format.h>

#include <algorithm>

namespace nvccd {
namespace {

bool matches(const DeviceMatch& match, const PciAddress& address, DeviceKind kind, std::uint16_t device_id) {
  return (!match.address || *match.address == address) && (!match.kind || *match.kind == kind) &&
         (!match.device_id || *match.device_id == device_id);
}

bool any_gpu(std::span<const DeviceSnapshot* const> devices) {
  return std::ranges::any_of(devices, [](const DeviceSnapshot* device) {
    return device->state != DeviceState::unmanaged && device->kind == DeviceKind::gpu;
  });
}

// The mode in which all managed devices were verified; nullopt: there is no such mode. NVSwitches have a part
// in ppcie only, and there all devices have one.
std::optional<Mode> common_mode(std::span<const DeviceSnapshot* const> devices) {
  // Without a GPU nothing is on or in devtools: that its switches are off is all that can be said.
  const bool gpus_decide = any_gpu(devices);
  std::optional<Mode> common;
  for (const DeviceSnapshot* device : devices) {
    if (device->state == DeviceState::unmanaged) continue;
    if (gpus_decide && device->kind == DeviceKind::nvswitch) continue;
    if (!device->mode || (common && common != device->mode)) return std::nullopt;
    common = device->mode;
  }
  if (!common || (!gpus_decide && common != Mode::off)) return std::nullopt;
  const Mode mode = *common;
  for (const DeviceSnapshot* device : devices)
    if (mode == Mode::ppcie && device->state != DeviceState::unmanaged && device->mode != Mode::ppcie)
      return std::nullopt;
  return mode;
}

}  // namespace

Mode effective_default(const ModeSettings& settings, HostConfidential host) {
  const bool usable = host != HostConfidential::none || !settings.require_confidential_host;
  return usable ? settings.default_mode : Mode::off;
}

RequestedMode requested_mode(const ModeSettings& settings, std::optional<Mode> node_mode,
                             HostConfidential host) {
  const bool unprotected = host == HostConfidential::none && settings.require_confidential_host;
  const auto chosen = node_mode ? node_mode : settings.node;
  if (chosen)
    return {
        *chosen,
        unprotected && *chosen != Mode::off
            ? fmt::format("mode {} was asked for and is applied, but this host has neither TDX nor SEV-SNP, "
                          "so its guests are not confidential",
                          to_string(*chosen))
            : std::string()};
  const Mode mode = effective_default(settings, host);
  return {mode, mode != settings.default_mode
                    ? fmt::format(
                          "this host has neither TDX nor SEV-SNP, so the default mode is off instead of {}; "
                          "mode.require_confidential_host = false changes that",
                          to_string(settings.default_mode))
                    : std::string()};
}

DesiredDevice desired_device(const Settings& settings, Mode node_mode, const PciAddress& address,
                             DeviceKind kind, std::uint16_t device_id) {
  DesiredDevice desired{.managed = true, .mode = node_mode};
  if (kind == DeviceKind::nvswitch && node_mode != Mode::ppcie) desired.mode = Mode::off;
  const auto rule = std::ranges::find_if(settings.devices, [&](const DeviceOverride& candidate) {
    return matches(candidate.match, address, kind, device_id);
  });
  if (rule != settings.devices.end()) {
    desired.managed = rule->managed;
    if (rule->mode) desired.mode = *rule->mode;
  }
  return desired;
}

NodeSummary summarize(std::span<const DeviceSnapshot* const> devices, bool changing) {
  const DeviceSnapshot* failed = nullptr;
  bool all_verified = true;
  bool any = false;
  for (const DeviceSnapshot* device : devices) {
    if (device->state == DeviceState::unmanaged) continue;
    any = true;
    if (device->state == DeviceState::failed && failed == nullptr) failed = device;
    if (device->state != DeviceState::ready) all_verified = false;
  }
  NodeSummary summary;
  if (failed != nullptr) summary.error = failed->error;
  if (changing) {
    summary.mode_state = ModeState::transitioning;
  } else if (failed != nullptr) {
    summary.mode_state = ModeState::failed;
  } else if (any && all_verified) {
    const auto mode = common_mode(devices);
    if (mode) summary.mode_state = to_mode_state(*mode);
    if (!mode)
      summary.error = any_gpu(devices)
                          ? "the settings give devices different modes, so the node as a whole is in none"
                          : "no GPU is managed, so the node as a whole is in no mode";
    summary.ready = any_gpu(devices) && (mode == Mode::on || mode == Mode::ppcie);
  }
  return summary;
}

}  // namespace nvccd
