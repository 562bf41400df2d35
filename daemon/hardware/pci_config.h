// The parts of PCI configuration space that matter to Confidential Computing.
#pragma once

#include <cstdint>

#include "daemon/hardware/device_access.h"

namespace nvccd {

// Parts of NVIDIA's vendor-specific extended capability (DVSEC id 0), on Blackwell.
inline constexpr std::uint32_t dvsec_header2 = 0x8;  // the dword that also says whether BAR0 is open
inline constexpr std::uint32_t dvsec_firewall_closed = 1U << 20;

// Offset of that capability; 0: the device has none.
Result<std::uint32_t> find_nvidia_dvsec(ConfigSpace& config);

// Fails when BAR0 is not where the kernel has put it. If the kernel does not restore BAR0 after a reset, it
// stays at 0, and then everything read through the window is all ones. No error where this cannot be told.
Result<> check_bar0(ConfigSpace& config, const PciAddress& address, std::uint64_t expected);

}  // namespace nvccd
