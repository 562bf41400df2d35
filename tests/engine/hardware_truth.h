// What the hardware itself says of a device's mode, for tests that do not take the daemon's word.
#pragma once

#include "common/model/mode.h"
#include "tests/emulator/device.h"

namespace nvccd::test {

bool supports(emulator::Model model, Mode mode);

// Active and stored: nothing changes at the next reset.
bool hardware_is(const emulator::Device& device, Mode mode);

// Stores the knobs of a mode, as a guest or another tool would. They count from the next reset.
void store_knobs(emulator::Device& device, Mode mode);

}  // namespace nvccd::test
