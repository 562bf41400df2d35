// Which guest memory a client offered. The emulated devices do no DMA: only the bookkeeping is checked.
#pragma once

#include <cstdint>
#include <expected>
#include <map>

#include "protocol.h"

namespace emulator::vfio_user {

// Errors are errno values.
class DmaTable {
 public:
  std::expected<void, int> map(const DmaMap& request);
  // Drops every mapping inside the range. A range without any is fine, as with the kernel's VFIO: QEMU
  // with a virtual IOMMU unmaps whole address spaces. A range that cuts a mapping is not.
  std::expected<void, int> unmap(const DmaUnmap& request);
  std::size_t size() const { return mappings_.size(); }

 private:
  std::map<std::uint64_t, std::uint64_t> mappings_;  // first address -> last address
};

}  // namespace emulator::vfio_user
