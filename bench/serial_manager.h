// The baseline: the order in which the present Kubernetes CC manager changes a node. Everything in one
// thread; only the boots overlap. See docs/hardware.md for where that order is described.
#pragma once

#include <vector>

#include "device.h"
#include "model/mode.h"

namespace nvccd::bench {

struct SerialDevice {
  emulator::Device* device;
  emulator::Model model;
  emulator::Delays delays;
};

// Blocks until every device is in the mode. Hopper GPUs and LS10 switches only.
void change_serially(std::vector<SerialDevice>& devices, Mode mode);

}  // namespace nvccd::bench
