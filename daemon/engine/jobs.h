// What the engine has under way for somebody, as values that NodeManager updates.
#pragma once

#include <optional>
#include <vector>

#include "common/formats/node_mode_store.h"
#include "daemon/engine/transition.h"

namespace nvccd {

// A change of the node's mode that somebody asked for.
struct ModeJob {
  JobId id = 0;
  bool wait = false;                // wait for devices in use
  NodeModes before;                 // wanted again when the job is given up
  std::vector<PciAddress> devices;  // the devices that change together
  bool has_reset = false;           // a device was reset, so the job cannot be undone
};

// Devices that change together now, for a mode job or an automatic change.
struct RunningChange {
  JobId id = 0;
  std::shared_ptr<Transition> transition;
  std::optional<Error> error;  // the first of its devices' errors
};

// A change that nobody asked for just now (start, hot-plug, release by a VM), until all of its devices are as
// they should be.
struct AutomaticChange {
  JobId id = 0;
  std::vector<PciAddress> devices;
  bool has_reset = false;  // as in ModeJob
};

// bind, unbind or reset of one device.
struct DeviceJob {
  enum class Stage {
    working,   // a worker does it
    settling,  // done; a look finds out what the work has led to
  };
  JobId id = 0;
  PciAddress address;
  Stage stage = Stage::working;
};

}  // namespace nvccd
