// A device's configuration space through sysfs, with its memory space switched on.
#pragma once

#include <functional>

#include "common/base/fd.h"
#include "daemon/hardware/device_access.h"
#include "daemon/pci/held_directory.h"

namespace nvccd {

class SysfsConfigSpace final : public ConfigSpace {
 public:
  // Switches memory space on, without which BAR0 reads all ones; it stays on, as nothing depends on its being
  // off. `before_write` is called if that needs a write.
  static Result<SysfsConfigSpace> open(
      const HeldDirectory& device, const std::function<void()>& before_write = [] {});

  Result<std::uint32_t> read(std::uint32_t offset) override;

 private:
  explicit SysfsConfigSpace(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace nvccd
