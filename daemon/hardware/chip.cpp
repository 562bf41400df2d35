#include "daemon/hardware/chip.h"

#include <array>

namespace nvccd {
namespace {

constexpr std::array hopper_modes = {Mode::off, Mode::on, Mode::devtools, Mode::ppcie};
constexpr std::array blackwell_modes = {Mode::off, Mode::on, Mode::devtools};
constexpr std::array switch_modes = {Mode::off, Mode::ppcie};

constexpr Chip hopper = {
    .architecture = Architecture::hopper,
    .mailbox = Mailbox::emem,
    .boot_register = 0x200bc,
    .mode_register = 0x1182cc,
    .cc_bit = 0,
    .ppcie_bit = 5,
    .recovery = {.offset = 0x20120, .mask = 1U << 30, .highest_good = 0},
    .zero_chip_id_is_recovery = true,
    .has_bar_firewall = false,
    .has_register_ring = true,
    .modes = hopper_modes,
};

constexpr Chip blackwell(std::uint32_t boot_register) {
  return {
      .architecture = Architecture::blackwell,
      .mailbox = Mailbox::mnoc,
      .boot_register = boot_register,
      .mode_register = 0x590,
      .cc_bit = 0,
      .ppcie_bit = std::nullopt,
      .recovery = {.offset = 0x8aa128, .mask = 0xff, .highest_good = 1},
      .zero_chip_id_is_recovery = false,
      .has_bar_firewall = true,
      .has_register_ring = false,
      .modes = blackwell_modes,
  };
}

constexpr Chip gb10x = blackwell(0x200bc);
constexpr Chip gb20x = blackwell(0xad00bc);

constexpr Chip ls10 = {
    .architecture = Architecture::ls10,
    .mailbox = Mailbox::emem,
    .boot_register = 0x660bc,
    .mode_register = 0x28c50,
    .cc_bit = std::nullopt,
    .ppcie_bit = 0,
    .recovery = {.offset = 0x66120, .mask = 1U << 30, .highest_good = 0},
    .zero_chip_id_is_recovery = false,
    .has_bar_firewall = false,
    .has_register_ring = false,
    .modes = switch_modes,
};

struct DeviceIdRange {
  std::uint16_t first, last;
  const Chip* chip;
};

// Each chip family owns a block of device ids; the products within it do not matter.
constexpr std::array device_id_ranges = {
    DeviceIdRange{0x22f0, 0x237f, &hopper},  // gh100
    DeviceIdRange{0x2900, 0x29ff, &gb10x},   // gb100, gb102
    DeviceIdRange{0x3180, 0x327f, &gb10x},   // gb110, gb112
    DeviceIdRange{0x2b80, 0x2bff, &gb20x},   // gb202
    DeviceIdRange{0x2c00, 0x2c7f, &gb20x},   // gb203
    DeviceIdRange{0x2d00, 0x2dff, &gb20x},   // gb206, gb207
    DeviceIdRange{0x2f00, 0x2f7f, &gb20x},   // gb205
};

constexpr std::uint32_t ls10_chip_id = 0x007000a1;

}  // namespace

const Chip* find_gpu_chip(std::uint16_t device_id) {
  for (const auto& range : device_id_ranges)
    if (device_id >= range.first && device_id <= range.last) return range.chip;
  return nullptr;
}

const Chip* find_switch_chip(std::uint32_t chip_id) {
  return chip_id == ls10_chip_id ? &ls10 : nullptr;
}

}  // namespace nvccd
