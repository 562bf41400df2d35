// What differs between chip families, as data. Facts: NVIDIA's gpu-admin-tools, see docs/hardware.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "common/model/device.h"
#include "daemon/hardware/device_access.h"

namespace nvccd {

// How host and firmware security processor (FSP) exchange packets.
enum class Mailbox { emem, mnoc };

// Where the device tells its recovery state: a register and the bits that decide.
struct RecoveryCheck {
  std::uint32_t offset;
  std::uint32_t mask;
  std::uint32_t highest_good;  // (value & mask) above this: the device is in recovery
};

struct Chip {
  Architecture architecture;
  Mailbox mailbox;
  std::uint32_t boot_register;     // 0xff once the firmware has booted
  std::uint32_t mode_register;     // the modes latched at the last reset
  std::optional<unsigned> cc_bit;  // CC mode; the devtools bit is the next one
  std::optional<unsigned> ppcie_bit;
  RecoveryCheck recovery;
  bool zero_chip_id_is_recovery;  // Hopper answers 0 to the chip id while in recovery
  bool has_bar_firewall;          // BAR0 opens only some time after a reset
  bool has_register_ring;         // must be initialised again after each reset before registers are read
  std::span<const Mode> modes;    // what the architecture can do; the firmware may refuse some
};

// The chip behind a GPU's PCI device id; nullptr: no chip with Confidential Computing.
const Chip* find_gpu_chip(std::uint16_t device_id);

// The chip behind a switch's chip id register.
const Chip* find_switch_chip(std::uint32_t chip_id);

}  // namespace nvccd
