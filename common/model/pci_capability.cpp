#include "common/model/pci_capability.h"

namespace nvccd {

Result<std::uint32_t> find_extended_capability(
    const ReadConfig& read, std::uint16_t id,
    const std::function<Result<bool>(std::uint32_t offset)>& is_it) {
  constexpr std::uint32_t first = 0x100;
  constexpr std::uint32_t end = 0x1000;
  std::uint32_t offset = first;
  // Each capability takes two dwords at least, so a longer walk than this is a loop in a broken list.
  for (std::uint32_t left = (end - first) / 8; left > 0 && offset >= first; --left) {
    const auto header = read(offset);
    if (!header) return header;
    if (*header == 0xffffffff || *header == 0) break;
    if ((*header & 0xffff) == id) {
      const Result<bool> found = is_it ? is_it(offset) : true;
      if (!found) return std::unexpected(found.error());
      if (*found) return offset;
    }
    offset = *header >> 20 & 0xffc;
  }
  return 0;
}

}  // namespace nvccd
