// The address of a PCI function: domain:bus:device.function, e.g. 0000:65:00.0.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nvccd {

struct PciAddress {
  std::uint32_t domain = 0;  // 0 to 0xffffffff; virtual root complexes use more than 16 bits
  std::uint8_t bus = 0;
  std::uint8_t device = 0;    // 0 to 31
  std::uint8_t function = 0;  // 0 to 7

  auto operator<=>(const PciAddress&) const = default;

  // Accepts exactly what the kernel prints: four or more domain digits, lower or upper case hex.
  static std::optional<PciAddress> parse(std::string_view text);
};

std::string to_string(const PciAddress& address);        // 0000:65:00.0
std::string to_path_element(const PciAddress& address);  // 0000_65_00_0, the last element of the D-Bus path
std::string to_stable_id(const PciAddress& address);     // 0000-65-00.0, the device's name for Kubernetes

}  // namespace nvccd
