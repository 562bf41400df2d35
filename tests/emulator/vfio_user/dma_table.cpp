#include "dma_table.h"

#include <cerrno>
#include <limits>

namespace emulator::vfio_user {

namespace {

// The last address of a range of `size` bytes; fails for an empty range and one beyond 64 bits.
std::expected<std::uint64_t, int> last_address(std::uint64_t address, std::uint64_t size) {
  if (size == 0 || address > std::numeric_limits<std::uint64_t>::max() - (size - 1)) {
    return std::unexpected(EINVAL);
  }
  return address + (size - 1);
}

}  // namespace

std::expected<void, int> DmaTable::map(const DmaMap& request) {
  const auto last = last_address(request.address, request.size);
  if (!last) return std::unexpected(last.error());
  if (mappings_.size() >= max_dma_maps) return std::unexpected(ENOSPC);
  auto next = mappings_.upper_bound(*last);
  if (next != mappings_.begin() && std::prev(next)->second >= request.address) return std::unexpected(EEXIST);
  mappings_.emplace_hint(next, request.address, *last);
  return {};
}

std::expected<void, int> DmaTable::unmap(const DmaUnmap& request) {
  if ((request.flags & dma_unmap_all) != 0) {
    mappings_.clear();
    return {};
  }
  const auto last = last_address(request.address, request.size);
  if (!last) return std::unexpected(last.error());
  const auto first = mappings_.lower_bound(request.address);
  const auto end = mappings_.upper_bound(*last);
  if (first != mappings_.begin() && std::prev(first)->second >= request.address)
    return std::unexpected(EINVAL);
  if (first != end && std::prev(end)->second > *last) return std::unexpected(EINVAL);
  mappings_.erase(first, end);
  return {};
}

}  // namespace emulator::vfio_user
