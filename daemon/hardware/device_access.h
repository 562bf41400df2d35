// How the hardware layer reaches one device. The host's implementation is in pci/, the emulator's in the
// tests.
#pragma once

#include <cstdint>

#include "common/model/error.h"

namespace nvccd {

// BAR0: 32-bit little-endian registers at byte offsets divisible by four.
class RegisterWindow {
 public:
  virtual ~RegisterWindow() = default;
  // Fails when the offset is outside the BAR or the device went away. All ones and 0xbadf.... are values:
  // their meaning depends on the register (see registers.h).
  virtual Result<std::uint32_t> read(std::uint32_t offset) = 0;
  virtual Result<> write(std::uint32_t offset, std::uint32_t value) = 0;
};

class ConfigSpace {
 public:
  virtual ~ConfigSpace() = default;
  // Dwords at offsets 0 to 4092, divisible by four.
  virtual Result<std::uint32_t> read(std::uint32_t offset) = 0;
};

// Exclusive use of one device, from acquisition to destruction: nobody else can open its VFIO group, it is in
// D0, and its registers answer as far as the hardware lets them. Used by one thread at a time.
class DeviceAccess {
 public:
  virtual ~DeviceAccess() = default;
  virtual RegisterWindow& registers() = 0;
  virtual ConfigSpace& config() = 0;
  // Proves that the acquired device is still there and still ours: the same device with the same driver, in
  // the same IOMMU group with the same members. Touches nothing. To be asked before anything that changes the
  // device.
  virtual Result<> prove() = 0;
  // The kernel's reset of this function; blocks until the kernel says that the device answers again.
  virtual Result<> reset() = 0;
};

}  // namespace nvccd
