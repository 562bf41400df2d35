#include "preflight/access_control.h"

#include <cstdint>

#include "common/model/pci_capability.h"

namespace nvccd::preflight {
namespace {

// Little endian, as everything in configuration space; 0 behind its end.
std::uint32_t read_bytes(std::string_view config, std::size_t offset, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count && offset + i < config.size(); ++i)
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(config[offset + i])) << (8 * i);
  return value;
}

}  // namespace

AccessControl read_access_control(std::string_view config) {
  constexpr std::size_t whole = 4096;
  constexpr std::uint16_t access_control_services = 0x0d;
  // Source validation, request redirect, completion redirect, upstream forwarding.
  constexpr std::uint32_t separating = 1U << 0 | 1U << 2 | 1U << 3 | 1U << 4;
  if (config.size() < whole) return AccessControl::unknown;
  const auto offset = find_extended_capability([&](std::uint32_t at) { return read_bytes(config, at, 4); },
                                               access_control_services);
  if (!offset || *offset == 0) return AccessControl::absent;
  const auto possible = read_bytes(config, *offset + 4, 2) & separating;
  const auto control = read_bytes(config, *offset + 6, 2) & separating;
  return (control & possible) == possible ? AccessControl::on : AccessControl::off;
}

}  // namespace nvccd::preflight
