#include "daemon/hardware/pci_config.h"

#include <fmt/format.h>

#include <optional>

#include "common/model/pci_capability.h"
#include "daemon/hardware/registers.h"

namespace nvccd {
namespace {

constexpr std::uint32_t bar0_register = 0x10;
constexpr std::uint32_t bar_is_io = 1U << 0;
constexpr std::uint32_t bar_type = 3U << 1;
constexpr std::uint32_t bar_is_64_bit = 2U << 1;
constexpr std::uint32_t bar_flags = 0xf;

// The kernel's addresses are those on the bus, unless the host bridge translates them, as on some ARM hosts:
// there only one that was lost altogether can be told.
#if defined(__x86_64__)
constexpr bool bus_has_kernel_addresses = true;
#else
constexpr bool bus_has_kernel_addresses = false;
#endif

// Nothing: this is no memory BAR, or the device does not answer.
std::optional<std::uint64_t> read_bar0(ConfigSpace& config) {
  const auto low = config.read(bar0_register);
  if (!low || is_all_ones(*low) || (*low & bar_is_io) != 0) return std::nullopt;
  if ((*low & bar_type) != bar_is_64_bit) return *low & ~bar_flags;
  const auto high = config.read(bar0_register + 4);
  if (!high || is_all_ones(*high)) return std::nullopt;
  return std::uint64_t{*high} << 32 | (*low & ~bar_flags);
}

}  // namespace

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

Result<> check_bar0(ConfigSpace& config, const PciAddress& address, std::uint64_t expected) {
  const auto found = read_bar0(config);
  if (!found || *found == expected || (*found != 0 && !bus_has_kernel_addresses)) return {};
  return std::unexpected(Error{
      .kind = ErrorKind::hardware_failed,
      .cause =
          fmt::format("the device's BARs were lost in a reset or a recovery from an error (BAR0 is at {:#x} "
                      "and the kernel has it at {:#x}), so its registers cannot be reached",
                      *found, expected),
      .advice = fmt::format("let the kernel find it anew, as root: echo 1 > /sys/bus/pci/devices/{}/remove; "
                            "echo 1 > /sys/bus/pci/rescan; nvccd looks at it by itself then",
                            to_string(address))});
}

}  // namespace nvccd
