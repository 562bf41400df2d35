// Register values that mean trouble, on every architecture.
// Facts: NVIDIA's gpu-admin-tools, see docs/hardware.md.
#pragma once

#include <cstdint>

namespace nvccd {

// The internal register bus answers 0xbadfxxxx when the unit behind an address does not respond.
constexpr bool is_bus_error(std::uint32_t value) {
  return (value >> 16) == 0xbadf;
}

// The device is not there: removed, in D3, or its memory space is off.
constexpr bool is_all_ones(std::uint32_t value) {
  return value == 0xffffffff;
}

constexpr bool is_unreadable(std::uint32_t value) {
  return is_bus_error(value) || is_all_ones(value);
}

// BAR0 offset 0: what chip it is, or why it does not say.
inline constexpr std::uint32_t chip_id_register = 0x0;

// Answers of the chip id register after the chip has locked itself for security reasons.
constexpr bool is_security_fault(std::uint32_t value) {
  return value == 0xbadf0200 || value == 0xbad00200;
}

}  // namespace nvccd
