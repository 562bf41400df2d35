#include "daemon/hardware/pci_config.h"

#include "common/model/pci_capability.h"

namespace nvccd {

Result<std::uint32_t> find_nvidia_dvsec(ConfigSpace& config) {
  constexpr std::uint16_t dvsec_capability = 0x23;
  constexpr std::uint16_t nvidia_vendor = 0x10de;
  constexpr std::uint32_t config_space_end = 0x1000;
  const auto is_nvidias = [&](std::uint32_t offset) -> Result<bool> {
    if (offset + dvsec_header2 >= config_space_end) return false;
    const auto vendor = config.read(offset + 4);
    if (!vendor) return std::unexpected(vendor.error());
    const auto id = config.read(offset + dvsec_header2);
    if (!id) return std::unexpected(id.error());
    return (*vendor & 0xffff) == nvidia_vendor && (*id & 0xffff) == 0;
  };
  return find_extended_capability([&](std::uint32_t offset) { return config.read(offset); }, dvsec_capability,
                                  is_nvidias);
}

}  // namespace nvccd
