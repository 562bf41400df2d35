// The 4096 bytes of PCI configuration space: what is in them, what software may change, what resets undo.
#pragma once

#include <array>
#include <cstdint>

#include "device.h"
#include "profile.h"

namespace emulator {

inline constexpr std::uint32_t kConfigSize = 4096;
inline constexpr std::uint32_t kPmCapability = 0x40;
inline constexpr std::uint32_t kMsiCapability = 0x48;
inline constexpr std::uint32_t kPcieCapability = 0x60;
inline constexpr std::uint32_t kVcCapability = 0x100;
inline constexpr std::uint32_t kAerCapability = 0x420;

class ConfigSpace {
 public:
  ConfigSpace(const Profile& profile, const DeviceOptions& options);

  // One aligned dword; lanes says which bytes of it the bus writes (bit 0 = lowest address).
  std::uint32_t read(std::uint32_t offset) const;
  // True when the write asks for a function-level reset.
  [[nodiscard]] bool write(std::uint32_t offset, unsigned lanes, std::uint32_t value);
  void reset(ResetKind kind);

  BarInfo bar(unsigned index) const;
  bool memory_enabled() const;
  bool in_d0() const;
  void enter_d3hot();

 private:
  // Status bits that software would clear by writing 1 are never set, so they are simply not writable.
  struct Dword {
    std::uint32_t value = 0;
    std::uint32_t initial = 0;
    std::uint32_t writable = 0;
    std::uint32_t survives_function = 0;  // bits that a function-level reset leaves alone
    std::uint32_t survives_bus = 0;       // bits that only a power cycle resets
  };

  Dword& at(std::uint32_t offset) { return dwords_[offset / 4]; }
  const Dword& at(std::uint32_t offset) const { return dwords_[offset / 4]; }
  void add_header(const Profile& profile, const DeviceOptions& options);
  void add_bar(unsigned index, std::uint64_t size);
  void add_capabilities();
  void add_extended_capabilities(const Profile& profile);

  std::array<Dword, kConfigSize / 4> dwords_{};
  std::array<BarInfo, 6> bars_{};
};

}  // namespace emulator
