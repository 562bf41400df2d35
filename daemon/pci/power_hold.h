// Keeps a device awake: an idle device of vfio-pci sleeps in D3hot, where every register reads all ones.
#pragma once

#include <utility>

#include "base/clock.h"
#include "pci/sysfs.h"

namespace nvccd {

class PowerHold {
 public:
  // Switches runtime power management off and waits until the device is in D0. Errors name what state it
  // stayed in.
  static Result<PowerHold> take(const HostPaths& paths, const PciAddress& address, Clock& clock);

  PowerHold(PowerHold&& other) noexcept
      : control_(std::move(other.control_)), previous_(std::exchange(other.previous_, {})) {}
  PowerHold& operator=(PowerHold&&) = delete;
  // Puts back the setting that was there.
  ~PowerHold();

 private:
  PowerHold(std::filesystem::path control, std::string previous)
      : control_(std::move(control)), previous_(std::move(previous)) {}

  std::filesystem::path control_;
  std::string previous_;  // "": nothing to put back
};

}  // namespace nvccd
