// The persistent knobs: 16-bit values numbered from 1, kept by the firmware across every reset.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace emulator {

namespace knob {
inline constexpr unsigned kDevtools = 6;
inline constexpr unsigned kCc = 8;
inline constexpr unsigned kFirewall = 10;
inline constexpr unsigned kPpciePermission = 44;
inline constexpr unsigned kPpcie = 45;
}  // namespace knob

class KnobStore {
 public:
  static constexpr unsigned kCount = 47;

  KnobStore();  // permissions granted, everything else 0

  static bool known(unsigned id) { return id >= 1 && id <= kCount; }
  std::uint16_t get(unsigned id) const { return known(id) ? values_[id - 1] : std::uint16_t{0}; }
  void set(unsigned id, std::uint16_t value);
  // Whether the host itself may write the knob: its permission partner is not 0. A permission is nothing the
  // host may grant itself; whoever manages the machine out of band does.
  bool host_may_write(unsigned id) const;

 private:
  std::array<std::uint16_t, kCount> values_{};
};

}  // namespace emulator
