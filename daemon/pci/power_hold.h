// Keeps a device awake: an idle device of vfio-pci sleeps in D3hot, where every register reads all ones.
#pragma once

#include <string>
#include <utility>

#include "common/base/clock.h"
#include "daemon/pci/held_directory.h"

namespace nvccd {

class PowerHold {
 public:
  // Switches runtime power management off and waits until the device is in D0. Errors name the state in which
  // the device stayed.
  static Result<PowerHold> take(const HeldDirectory& device, Clock& clock);

  PowerHold(PowerHold&& other) noexcept = default;
  PowerHold& operator=(PowerHold&&) = delete;
  // Puts back the setting that was there.
  ~PowerHold();

 private:
  PowerHold(UniqueFd control, std::string previous)
      : control_(std::move(control)), previous_(std::move(previous)) {}

  // For the one write that puts the setting back, to this very device and never to the next one at its
  // address; no descriptor: there is nothing to put back.
  UniqueFd control_;
  std::string previous_;
};

}  // namespace nvccd
