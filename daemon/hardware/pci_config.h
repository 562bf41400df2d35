// The parts of PCI configuration space that matter to Confidential Computing.
#pragma once

#include <cstdint>

#include "daemon/hardware/device_access.h"

namespace nvccd {

// Of NVIDIA's vendor-specific extended capability (DVSEC id 0), on Blackwell.
inline constexpr std::uint32_t dvsec_header2 = 0x8;  // the dword that also says whether BAR0 is open
inline constexpr std::uint32_t dvsec_firewall_closed = 1U << 20;

// Offset of that capability; 0: the device has none.
Result<std::uint32_t> find_nvidia_dvsec(ConfigSpace& config);

// Whether BAR0 is where the kernel has put it. A reset that the kernel does not restore it from leaves it at
// 0, and then everything read through the window is all ones. No error where it cannot be told.
Result<> check_bar0(ConfigSpace& config, const PciAddress& address, std::uint64_t expected);

}  // namespace nvccd
