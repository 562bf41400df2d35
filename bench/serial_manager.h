// The baseline: the order in which the present Kubernetes CC manager changes a node. Everything in one
// thread; only the boots overlap. See docs/hardware.md for the packets and the tool's steps of time.
//
// What else that manager does is left out: Python, eviction, labels, three enumerations, a second look at
// each register that is written. So it looks better here than it is.
#pragma once

#include <vector>

#include "common/model/mode.h"
#include "daemon/hardware/chip.h"
#include "daemon/hardware/device_access.h"

namespace nvccd::bench {

// On emulated devices in this process, or on those of a host.
struct SerialDevice {
  DeviceAccess* access;
  const Chip* chip;
};

// Blocks until every device is in the mode. Hopper GPUs and LS10 switches only. Throws when a device refuses,
// or does not boot within a minute.
void change_serially(const std::vector<SerialDevice>& devices, Mode mode);

// The part of a change that no order can spare a device: its reset, and the wait for its boot.
void reset_and_wait(const SerialDevice& device);

}  // namespace nvccd::bench
