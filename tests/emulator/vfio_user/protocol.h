// The vfio-user protocol, version 0.0, as QEMU's docs/interop/vfio-user.rst specifies it: numbers and
// layouts. Every value travels in the byte order of the host.
#pragma once

#include <cstddef>
#include <cstdint>

namespace emulator::vfio_user {

enum class Command : std::uint16_t {
  version = 1,
  dma_map = 2,
  dma_unmap = 3,
  device_get_info = 4,
  device_get_region_info = 5,
  device_get_region_io_fds = 6,
  device_get_irq_info = 7,
  device_set_irqs = 8,
  region_read = 9,
  region_write = 10,
  device_reset = 13,
  region_write_multi = 15,
};

struct Header {
  std::uint16_t id = 0;
  std::uint16_t command = 0;
  std::uint32_t size = 0;  // bytes of the whole message, header included
  std::uint32_t flags = 0;
  std::uint32_t error = 0;  // errno value, in an error reply only
};

inline constexpr std::uint32_t type_mask = 0xF;
inline constexpr std::uint32_t type_command = 0x0;
inline constexpr std::uint32_t type_reply = 0x1;
inline constexpr std::uint32_t flag_no_reply = 0x10;
inline constexpr std::uint32_t flag_error = 0x20;

inline constexpr std::uint16_t major_version = 0;
inline constexpr std::uint16_t minor_version = 0;

struct Version {
  std::uint16_t major = 0;
  std::uint16_t minor = 0;
};

struct DmaMap {
  std::uint32_t argsz = 0;
  std::uint32_t flags = 0;
  std::uint64_t offset = 0;
  std::uint64_t address = 0;
  std::uint64_t size = 0;
};

struct DmaUnmap {
  std::uint32_t argsz = 0;
  std::uint32_t flags = 0;
  std::uint64_t address = 0;
  std::uint64_t size = 0;
};
inline constexpr std::uint32_t dma_unmap_all = 0x2;

struct DeviceInfo {
  std::uint32_t argsz = 0;
  std::uint32_t flags = 0;
  std::uint32_t num_regions = 0;
  std::uint32_t num_irqs = 0;
};
inline constexpr std::uint32_t device_flag_reset = 0x1;
inline constexpr std::uint32_t device_flag_pci = 0x2;

struct RegionInfo {
  std::uint32_t argsz = 0;
  std::uint32_t flags = 0;
  std::uint32_t index = 0;
  std::uint32_t cap_offset = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;
};
inline constexpr std::uint32_t region_flag_read = 0x1;
inline constexpr std::uint32_t region_flag_write = 0x2;

// Regions 0 to 5 are the BARs.
inline constexpr std::uint32_t bar_count = 6;
inline constexpr std::uint32_t region_config = 7;
inline constexpr std::uint32_t region_count = 9;  // with ROM (6) and VGA (8), which have size 0 here
inline constexpr std::uint64_t config_size = 4096;

struct RegionIoFds {
  std::uint32_t argsz = 0;
  std::uint32_t flags = 0;
  std::uint32_t index = 0;
  std::uint32_t count = 0;
};

struct IrqInfo {
  std::uint32_t argsz = 0;
  std::uint32_t flags = 0;
  std::uint32_t index = 0;
  std::uint32_t count = 0;
};
inline constexpr std::uint32_t irq_flag_eventfd = 0x1;
inline constexpr std::uint32_t irq_flag_maskable = 0x2;
inline constexpr std::uint32_t irq_flag_automasked = 0x4;
inline constexpr std::uint32_t irq_flag_noresize = 0x8;

inline constexpr std::uint32_t irq_intx = 0;
inline constexpr std::uint32_t irq_msi = 1;
inline constexpr std::uint32_t irq_index_count = 5;  // with MSI-X (2), error (3) and request (4)

struct IrqSet {
  std::uint32_t argsz = 0;
  std::uint32_t flags = 0;
  std::uint32_t index = 0;
  std::uint32_t start = 0;
  std::uint32_t count = 0;
};
inline constexpr std::uint32_t irq_data_none = 0x01;
inline constexpr std::uint32_t irq_data_bool = 0x02;
inline constexpr std::uint32_t irq_data_eventfd = 0x04;
inline constexpr std::uint32_t irq_data_mask = 0x07;
inline constexpr std::uint32_t irq_action_mask = 0x08;
inline constexpr std::uint32_t irq_action_unmask = 0x10;
inline constexpr std::uint32_t irq_action_trigger = 0x20;
inline constexpr std::uint32_t irq_action_bits = 0x38;

struct RegionAccess {
  std::uint64_t offset = 0;
  std::uint32_t region = 0;
  std::uint32_t count = 0;  // bytes
};

// One element of a "write multi" request; count is at most 8.
struct MultiWrite {
  std::uint64_t offset = 0;
  std::uint32_t region = 0;
  std::uint32_t count = 0;
  std::byte data[8] = {};
};

static_assert(sizeof(Header) == 16 && sizeof(Version) == 4 && sizeof(DmaMap) == 32 && sizeof(DmaUnmap) == 24);
static_assert(sizeof(DeviceInfo) == 16 && sizeof(RegionInfo) == 32 && sizeof(RegionIoFds) == 16);
static_assert(sizeof(IrqInfo) == 16 && sizeof(IrqSet) == 20 && sizeof(RegionAccess) == 16);
static_assert(sizeof(MultiWrite) == 24);

// What this server is willing to take; QEMU 10.1 refuses a server that names more than 16 descriptors.
inline constexpr std::uint32_t max_message_fds = 16;
inline constexpr std::uint32_t max_transfer_size = 1024 * 1024;
inline constexpr std::uint32_t max_dma_maps = 65535;
inline constexpr std::uint32_t page_sizes = 4096;
inline constexpr std::uint32_t max_message_size = sizeof(Header) + sizeof(RegionAccess) + max_transfer_size;

}  // namespace emulator::vfio_user
