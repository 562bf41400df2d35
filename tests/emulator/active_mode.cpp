#include "active_mode.h"

#include <fmt/format.h>

namespace emulator {
namespace {

constexpr std::uint32_t kCcBit = 1U << 0U;
constexpr std::uint32_t kDevtoolsBit = 1U << 1U;
constexpr std::uint32_t kFirewallBit = 1U << 2U;  // Blackwell
constexpr std::uint32_t kHopperPpcieBit = 1U << 5U;
constexpr std::uint32_t kSwitchPpcieBit = 1U << 0U;
constexpr std::uint16_t kFirewallOn = 2;

}  // namespace

ActiveMode latch(const KnobStore& knobs, const Profile& profile) {
  return {.cc = profile.has_cc && (knobs.get(knob::kCc) & 1U) != 0,
          .devtools = profile.has_cc && (knobs.get(knob::kDevtools) & 1U) != 0,
          .ppcie = profile.has_ppcie && (knobs.get(knob::kPpcie) & 1U) != 0,
          .firewall = profile.has_cc && knobs.get(knob::kFirewall) == kFirewallOn};
}

std::string name_of(const ActiveMode& mode) {
  if (mode.devtools && !mode.cc) return "invalid";
  if (mode.cc && mode.ppcie) return "invalid";
  if (mode.ppcie) return "ppcie";
  if (mode.devtools) return "devtools";
  return mode.cc ? "on" : "off";
}

std::uint32_t mode_word(const ActiveMode& mode, const Profile& profile) {
  if (!profile.has_cc) return mode.ppcie ? kSwitchPpcieBit : 0;
  std::uint32_t word = (mode.cc ? kCcBit : 0) | (mode.devtools ? kDevtoolsBit : 0);
  if (mode.ppcie) word |= kHopperPpcieBit;
  if (profile.is_blackwell && mode.firewall) word |= kFirewallBit;
  return word;
}

std::string mode_knobs(const KnobStore& knobs) {
  return fmt::format("{}={} {}={} {}={} {}={}", knob::kDevtools, knobs.get(knob::kDevtools), knob::kCc,
                     knobs.get(knob::kCc), knob::kFirewall, knobs.get(knob::kFirewall), knob::kPpcie,
                     knobs.get(knob::kPpcie));
}

}  // namespace emulator
