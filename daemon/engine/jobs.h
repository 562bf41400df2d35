// What the engine has under way for somebody: values, which NodeManager moves on.
#pragma once

#include <optional>
#include <vector>

#include "common/formats/node_mode_store.h"
#include "daemon/engine/transition.h"

namespace nvccd {

// A change of the node's mode that somebody asked for.
struct ModeJob {
  JobId id = 0;
  bool wait = false;                // for devices in use
  NodeModes before;                 // put back when nothing comes of it
  std::vector<PciAddress> devices;  // those that change together
  bool has_reset = false;           // a device was reset: it cannot be taken back any more
};

// Devices that change together now, for a mode job or an automatic change.
struct RunningChange {
  JobId id = 0;
  std::shared_ptr<Transition> transition;
  std::optional<Error> error;  // the first
};

// What nobody asked for just now (start, hot-plug, release by a VM), until all of its devices are as they
// should be.
struct AutomaticChange {
  JobId id = 0;
  std::vector<PciAddress> devices;
  bool has_reset = false;  // as of a mode job
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
