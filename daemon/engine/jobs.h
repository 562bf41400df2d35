// What the engine has under way for somebody: values, which NodeManager moves on.
#pragma once

#include <optional>
#include <vector>

#include "engine/node_mode_store.h"
#include "engine/transition.h"

namespace nvccd {

// A change of the node's mode that somebody asked for.
struct ModeJob {
  JobId id = 0;
  bool wait = false;                // for devices in use
  NodeModes before;                 // put back when nothing comes of it
  std::vector<PciAddress> devices;  // those that change together
  bool has_reset = false;           // a device was reset: it cannot be taken back any more
};

// Devices that change together now; for a mode job, or by ourselves (start, hot-plug, release by a VM).
struct RunningChange {
  JobId id = 0;
  std::shared_ptr<Transition> transition;
  std::optional<Error> error;  // the first
};

// bind, unbind or reset of one device.
struct DeviceJob {
  enum class Stage {
    working,   // a worker does it
    settling,  // done; what it has led to is being looked at
  };
  JobId id = 0;
  PciAddress address;
  Stage stage = Stage::working;
};

}  // namespace nvccd
