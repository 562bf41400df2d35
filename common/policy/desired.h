// What should be: from the settings and the node mode to the mode of each device. Pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "common/config/settings.h"
#include "common/model/device.h"
#include "common/model/node.h"

namespace nvccd {

// The mode of the node when nobody set one: the default, or off where guests could not be confidential
// anyway.
Mode effective_default(const ModeSettings& settings, HostConfidential host);

struct RequestedMode {
  Mode mode = Mode::on;
  std::string warning;  // "" when there is nothing to warn of
};

// `node_mode` is the mode set at run time; without it the mode in the settings counts.
RequestedMode requested_mode(const ModeSettings& settings, std::optional<Mode> node_mode,
                             HostConfidential host);

struct DesiredDevice {
  bool managed = true;
  Mode mode = Mode::off;  // meaningless when not managed
};

// What a mode of the node means for one device: a switch takes part in ppcie only.
DesiredDevice desired_device(const Settings& settings, Mode node_mode, const PciAddress& address,
                             DeviceKind kind, std::uint16_t device_id);

// The node as a whole, from its devices. `changing`: a look or a change is under way or waiting.
struct NodeSummary {
  ModeState mode_state = ModeState::unknown;
  bool ready = false;
  std::string error;  // "" when nothing is wrong
};
NodeSummary summarize(std::span<const DeviceSnapshot* const> devices, bool changing);

}  // namespace nvccd
