#include "region_access.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "protocol.h"

namespace emulator::vfio_user {

namespace {

static_assert(std::endian::native == std::endian::little,
              "PCI data is little-endian, the copies below rely on it");

constexpr std::uint64_t word = sizeof(std::uint32_t);

// The part of [offset, end) that lies in one 32-bit word.
struct Piece {
  std::uint64_t word_offset;  // of the word, aligned
  std::size_t shift;          // first byte inside the word
  std::size_t size;           // 1 to 4
};

Piece first_piece(std::uint64_t offset, std::size_t remaining) {
  const std::uint64_t shift = offset % word;
  return {offset - shift, shift, std::min<std::size_t>(remaining, word - shift)};
}

void read_bar(Device& device, unsigned bar, std::uint64_t offset, std::span<std::byte> data) {
  while (!data.empty()) {
    const Piece piece = first_piece(offset, data.size());
    const std::uint32_t value = device.bar_read(bar, piece.word_offset);
    std::memcpy(data.data(), std::as_bytes(std::span(&value, 1)).data() + piece.shift, piece.size);
    offset += piece.size;
    data = data.subspan(piece.size);
  }
}

void write_bar(Device& device, unsigned bar, std::uint64_t offset, std::span<const std::byte> data) {
  while (!data.empty()) {
    const Piece piece = first_piece(offset, data.size());
    std::uint32_t value = piece.size < word ? device.bar_read(bar, piece.word_offset) : 0;
    std::memcpy(std::as_writable_bytes(std::span(&value, 1)).data() + piece.shift, data.data(), piece.size);
    device.bar_write(bar, piece.word_offset, value);
    offset += piece.size;
    data = data.subspan(piece.size);
  }
}

// The widest naturally aligned access at `offset`.
unsigned config_width(std::uint64_t offset, std::size_t remaining) {
  if (offset % 4 == 0 && remaining >= 4) return 4;
  if (offset % 2 == 0 && remaining >= 2) return 2;
  return 1;
}

void read_config(Device& device, std::uint64_t offset, std::span<std::byte> data) {
  while (!data.empty()) {
    const unsigned width = config_width(offset, data.size());
    const std::uint32_t value = device.config_read(static_cast<std::uint32_t>(offset), width);
    std::memcpy(data.data(), &value, width);
    offset += width;
    data = data.subspan(width);
  }
}

void write_config(Device& device, std::uint64_t offset, std::span<const std::byte> data) {
  while (!data.empty()) {
    const unsigned width = config_width(offset, data.size());
    std::uint32_t value = 0;
    std::memcpy(&value, data.data(), width);
    device.config_write(static_cast<std::uint32_t>(offset), width, value);
    offset += width;
    data = data.subspan(width);
  }
}

}  // namespace

std::uint64_t region_size(const Device& device, std::uint32_t region) {
  if (region < bar_count) return device.bar(region).size;
  return region == region_config ? config_size : 0;
}

void read_region(Device& device, std::uint32_t region, std::uint64_t offset, std::span<std::byte> data) {
  if (region == region_config) return read_config(device, offset, data);
  read_bar(device, region, offset, data);
}

void write_region(Device& device, std::uint32_t region, std::uint64_t offset,
                  std::span<const std::byte> data) {
  if (region == region_config) return write_config(device, offset, data);
  write_bar(device, region, offset, data);
}

}  // namespace emulator::vfio_user
