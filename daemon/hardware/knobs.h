// The persistent settings ("knobs") that the firmware security processor keeps, and which of them make a
// mode. Facts: NVIDIA's gpu-admin-tools, see docs/hardware.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/model/device.h"

namespace nvccd {

enum class Knob : std::uint16_t {
  unnamed_2 = 2,  // 2, 4 and 34 have no public name; NVIDIA's tool clears them before any protected mode
  unnamed_4 = 4,
  cc_devtools = 6,
  cc_mode = 8,
  bar0_decoupler = 10,  // 0 off, 2 on
  unnamed_34 = 34,
  ppcie = 45,
};

std::string to_string(Knob knob);  // "knob 8 (CC mode)"

struct KnobSetting {
  Knob knob;
  std::uint16_t value;
  bool operator==(const KnobSetting&) const = default;
};

// Every knob that makes the mode, in the order in which it is safe to write them: interrupted after any
// write, the stored knobs never hold devtools without CC, and never CC and PPCIe together (provided they did
// not before). Precondition: the architecture can do the mode.
std::vector<KnobSetting> target_knobs(Architecture architecture, Mode mode);

// Whether every stored knob has the value that `mode` asks for. A knob that is not among `stored` is one the
// firmware does not have, and counts as right.
bool holds_target(const std::vector<KnobSetting>& stored, Architecture architecture, Mode mode);

}  // namespace nvccd
