#include "config_space.h"

#include <algorithm>
#include <bit>

namespace emulator {
namespace {

constexpr std::uint32_t kCommand = 0x04;
constexpr std::uint32_t kCommandMemory = 1U << 1U;
constexpr std::uint32_t kCommandWritable = 0x0546;  // memory, master, parity, SERR, INTx disable
constexpr std::uint32_t kStatusCapabilities = 1U << 20U;
constexpr std::uint32_t kFirstBar = 0x10;
constexpr std::uint32_t kBar64BitPrefetchable = 0xC;

constexpr std::uint32_t kPmcsr = kPmCapability + 4;
constexpr std::uint32_t kPmcsrState = 0x3;
constexpr std::uint32_t kPmcsrD3hot = 0x3;
constexpr std::uint32_t kPmcsrNoSoftReset = 1U << 3U;

constexpr std::uint32_t kDeviceControl = kPcieCapability + 8;
constexpr std::uint32_t kInitiateFlr = 1U << 15U;

constexpr std::uint64_t kMinimumBar1 = 1U << 20U;

}  // namespace

ConfigSpace::ConfigSpace(const Profile& profile, const DeviceOptions& options) {
  add_header(profile, options);
  add_capabilities();
  add_extended_capabilities(profile);
  for (Dword& dword : dwords_)
    dword.value = dword.initial;
}

void ConfigSpace::add_header(const Profile& profile, const DeviceOptions& options) {
  const std::uint32_t device_id = options.device_id != 0 ? options.device_id : profile.device_id;
  at(0x00).initial = device_id << 16U | 0x10DE;
  at(kCommand).initial = kStatusCapabilities;
  at(kCommand).writable = kCommandWritable;
  at(0x08).initial = profile.class_code << 8U | 0xA1;
  at(0x0C).writable = 0xFF;  // cache line size
  at(0x2C).initial = static_cast<std::uint32_t>(profile.subsystem_id) << 16U | 0x10DE;
  at(0x34).initial = kPmCapability;
  at(0x3C).initial = 0x0100;  // INTA
  at(0x3C).writable = 0xFF;
  add_bar(0, profile.bar0_size);
  if (profile.has_bar1) add_bar(2, std::bit_ceil(std::max(options.bar1_size, kMinimumBar1)));
}

void ConfigSpace::add_bar(unsigned index, std::uint64_t size) {
  const std::uint64_t mask = ~(size - 1);
  Dword& low = at(kFirstBar + 4 * index);
  low.initial = kBar64BitPrefetchable;
  low.writable = static_cast<std::uint32_t>(mask) & ~0xFU;
  at(kFirstBar + 4 * index + 4).writable = static_cast<std::uint32_t>(mask >> 32U);
  bars_[index] = {.size = size, .is_64_bit = true, .prefetchable = true};
}

void ConfigSpace::add_capabilities() {
  at(kPmCapability).initial = 0x0003'0001 | kMsiCapability << 8U;  // version 3; no D1, D2, PME
  at(kPmcsr).initial = kPmcsrNoSoftReset;
  at(kPmcsr).writable = kPmcsrState;

  at(kMsiCapability).initial = 0x0080'0005 | kPcieCapability << 8U;  // one 64-bit message
  at(kMsiCapability).writable = 0x0071'0000;
  at(kMsiCapability + 4).writable = 0xFFFF'FFFC;
  at(kMsiCapability + 8).writable = 0xFFFF'FFFF;
  at(kMsiCapability + 12).writable = 0xFFFF;

  const auto pcie = [this](std::uint32_t offset) -> Dword& { return at(kPcieCapability + offset); };
  pcie(0x00).initial = 0x0002'0010;  // version 2, endpoint, last in the list
  pcie(0x04).initial = 0x1000'8021;  // FLR, role-based errors, extended tags, 256-byte payload
  pcie(0x08).initial = 0x0000'2810;  // 512-byte reads, no snoop, relaxed order
  pcie(0x08).writable = 0x0000'7FFF;
  pcie(0x08).survives_function = 0x0000'00E0;  // payload size
  pcie(0x0C).initial = 0x0000'0105;            // 32 GT/s, x16
  pcie(0x10).initial = 0x1105'0000;            // runs at that
  pcie(0x10).writable = 0x0000'01CB;
  pcie(0x10).survives_function = 0x0000'01CB;
  pcie(0x24).initial = 0x0000'0010;
  pcie(0x28).writable = 0x0000'041F;
  pcie(0x2C).initial = 0x0000'003E;  // 2.5 to 32 GT/s
  pcie(0x30).initial = 0x0000'0005;
  pcie(0x30).writable = 0x0000'FFFF;
  pcie(0x30).survives_function = 0x0000'FFFF;
}

void ConfigSpace::add_extended_capabilities(const Profile& profile) {
  const std::uint32_t after_vc = profile.is_blackwell ? kFirewallDvsec : kAerCapability;
  at(kVcCapability).initial = 0x0001'0002 | after_vc << 20U;
  Dword& vc0_control = at(kVcCapability + 0x14);
  vc0_control.initial = 0x8000'00FF;
  vc0_control.writable = 0xFE;
  vc0_control.survives_function = 0xFE;

  if (profile.is_blackwell) {
    at(kFirewallDvsec).initial = 0x0001'0023 | kAerCapability << 20U;
    at(kFirewallDvsec + 4).initial = 0x0180'10DE;  // 24 bytes, revision 0, vendor NVIDIA; id 0 follows
  }

  const auto aer = [this](std::uint32_t offset) -> Dword& { return at(kAerCapability + offset); };
  aer(0x00).initial = 0x0002'0001;
  aer(0x08).writable = 0x07FF'F030;
  aer(0x0C).initial = 0x0046'2030;
  aer(0x0C).writable = 0x07FF'F030;
  aer(0x14).initial = 0x0000'2000;
  aer(0x14).writable = 0x0000'F1C1;
  for (std::uint32_t offset = 0x04; offset <= 0x18; offset += 4) {
    aer(offset).survives_function = aer(offset).survives_bus = 0xFFFF'FFFF;
  }
}

std::uint32_t ConfigSpace::read(std::uint32_t offset) const {
  return at(offset).value;
}

bool ConfigSpace::write(std::uint32_t offset, unsigned lanes, std::uint32_t value) {
  std::uint32_t written = 0;
  for (unsigned lane = 0; lane < 4; ++lane) {
    if ((lanes >> lane & 1U) != 0) written |= 0xFFU << (8 * lane);
  }
  Dword& dword = at(offset);
  std::uint32_t writable = dword.writable & written;
  // A function without D1 and D2 ignores a request for them.
  if (offset == kPmcsr && (value & kPmcsrState) != 0 && (value & kPmcsrState) != kPmcsrD3hot) writable = 0;
  dword.value = (dword.value & ~writable) | (value & writable);
  return offset == kDeviceControl && (value & written & kInitiateFlr) != 0;
}

void ConfigSpace::reset(ResetKind kind) {
  for (Dword& dword : dwords_) {
    std::uint32_t kept = 0;
    if (kind == ResetKind::function_level) kept = dword.survives_function;
    if (kind == ResetKind::bus) kept = dword.survives_bus;
    dword.value = (dword.value & kept) | (dword.initial & ~kept);
  }
}

BarInfo ConfigSpace::bar(unsigned index) const {
  return index < bars_.size() ? bars_[index] : BarInfo{};
}

bool ConfigSpace::memory_enabled() const {
  return (at(kCommand).value & kCommandMemory) != 0;
}

bool ConfigSpace::in_d0() const {
  return (at(kPmcsr).value & kPmcsrState) == 0;
}

void ConfigSpace::enter_d3hot() {
  at(kPmcsr).value |= kPmcsrD3hot;
}

}  // namespace emulator
