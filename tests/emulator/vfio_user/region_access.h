// Accesses of any size and alignment as the accesses a device understands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/emulator/device.h"

namespace emulator::vfio_user {

// Bytes; 0 for a region that is not there.
std::uint64_t region_size(const Device& device, std::uint32_t region);

// [offset, offset + size of the data) must lie inside the region.
//
// BARs know whole 32-bit words only: each word touched is read once, in ascending order; a write that
// covers only part of a word reads that word first. Configuration space is accessed by bytes, 16-bit and
// 32-bit words without touching a neighbouring byte, as its write-one-to-clear bits need.
void read_region(Device& device, std::uint32_t region, std::uint64_t offset, std::span<std::byte> data);
void write_region(Device& device, std::uint32_t region, std::uint64_t offset,
                  std::span<const std::byte> data);

}  // namespace emulator::vfio_user
