// The mode a device runs in: what the knobs said at its last reset.
#pragma once

#include <cstdint>
#include <string>

#include "knobs.h"
#include "profile.h"

namespace emulator {

struct ActiveMode {
  bool cc = false;
  bool devtools = false;
  bool ppcie = false;
  bool firewall = false;
};

ActiveMode latch(const KnobStore& knobs, const Profile& profile);
std::string name_of(const ActiveMode& mode);
// As the mode register shows it.
std::uint32_t mode_word(const ActiveMode& mode, const Profile& profile);
// The knobs behind the mode, for the log: "6=0 8=1 10=2 45=0".
std::string mode_knobs(const KnobStore& knobs);

}  // namespace emulator
