#include "daemon/hardware/pci_config.h"

#include "daemon/hardware/registers.h"

namespace nvccd {
namespace {

constexpr std::uint32_t first_extended_capability = 0x100;
constexpr std::uint32_t config_space_end = 0x1000;
constexpr std::uint16_t dvsec_capability = 0x23;
constexpr std::uint16_t nvidia_vendor = 0x10de;

}  // namespace

Result<std::uint32_t> find_nvidia_dvsec(ConfigSpace& config) {
  std::uint32_t offset = first_extended_capability;
  // Each capability takes two dwords at least, so a longer walk than this is a loop in a broken list.
  for (std::uint32_t left = (config_space_end - first_extended_capability) / 8;
       left > 0 && offset >= first_extended_capability; --left) {
    const auto header = config.read(offset);
    if (!header) return std::unexpected(header.error());
    if (is_all_ones(*header) || *header == 0) return 0;
    if ((*header & 0xffff) == dvsec_capability && offset + dvsec_header2 < config_space_end) {
      const auto vendor = config.read(offset + 4);
      if (!vendor) return std::unexpected(vendor.error());
      const auto id = config.read(offset + dvsec_header2);
      if (!id) return std::unexpected(id.error());
      if ((*vendor & 0xffff) == nvidia_vendor && (*id & 0xffff) == 0) return offset;
    }
    offset = *header >> 20 & 0xffc;
  }
  return 0;
}

}  // namespace nvccd
