#include "daemon/hardware/knobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace nvccd {
namespace {

std::string_view name(Knob knob) {
  switch (knob) {
    case Knob::cc_devtools:
      return "CC devtools";
    case Knob::cc_mode:
      return "CC mode";
    case Knob::bar0_decoupler:
      return "BAR0 decoupler";
    case Knob::ppcie:
      return "PPCIe";
    case Knob::unnamed_2:
    case Knob::unnamed_4:
    case Knob::unnamed_34:
      return "";
  }
  return "";
}

constexpr KnobSetting clear_2{Knob::unnamed_2, 0};
constexpr KnobSetting clear_4{Knob::unnamed_4, 0};
constexpr KnobSetting clear_34{Knob::unnamed_34, 0};
constexpr KnobSetting cc_off{Knob::cc_mode, 0};
constexpr KnobSetting cc_on{Knob::cc_mode, 1};
constexpr KnobSetting devtools_off{Knob::cc_devtools, 0};
constexpr KnobSetting devtools_on{Knob::cc_devtools, 1};
constexpr KnobSetting decoupler_off{Knob::bar0_decoupler, 0};
constexpr KnobSetting decoupler_on{Knob::bar0_decoupler, 2};
constexpr KnobSetting ppcie_off{Knob::ppcie, 0};
constexpr KnobSetting ppcie_on{Knob::ppcie, 1};

std::vector<KnobSetting> hopper_knobs(Mode mode) {
  switch (mode) {
    case Mode::off:
      return {decoupler_off, ppcie_off, devtools_off, cc_off};
    case Mode::on:
      return {clear_2, clear_4, clear_34, ppcie_off, decoupler_on, cc_on, devtools_off};
    case Mode::devtools:
      return {clear_2, clear_4, clear_34, ppcie_off, decoupler_off, cc_on, devtools_on};
    case Mode::ppcie:
      return {clear_2, clear_4, clear_34, devtools_off, cc_off, decoupler_on, ppcie_on};
  }
  std::unreachable();
}

// The firewall knob of Blackwell is a setting of its own and no part of the CC modes.
std::vector<KnobSetting> blackwell_knobs(Mode mode) {
  switch (mode) {
    case Mode::off:
      return {devtools_off, cc_off};
    case Mode::on:
      return {clear_2, clear_4, clear_34, cc_on, devtools_off};
    case Mode::devtools:
      return {clear_2, clear_4, clear_34, cc_on, devtools_on};
    case Mode::ppcie:
      break;
  }
  std::unreachable();
}

std::vector<KnobSetting> switch_knobs(Mode mode) {
  if (mode == Mode::ppcie) return {clear_2, clear_4, clear_34, devtools_off, cc_off, decoupler_off, ppcie_on};
  return {decoupler_off, ppcie_off};
}

}  // namespace

std::string to_string(Knob knob) {
  const auto text = name(knob);
  return text.empty() ? fmt::format("knob {}", std::to_underlying(knob))
                      : fmt::format("knob {} ({})", std::to_underlying(knob), text);
}

std::vector<KnobSetting> target_knobs(Architecture architecture, Mode mode) {
  switch (architecture) {
    case Architecture::hopper:
      return hopper_knobs(mode);
    case Architecture::blackwell:
      return blackwell_knobs(mode);
    case Architecture::ls10:
      return switch_knobs(mode);
    case Architecture::unknown:
      return {};
  }
  std::unreachable();
}

bool holds_target(const std::vector<KnobSetting>& stored, Architecture architecture, Mode mode) {
  const auto targets = target_knobs(architecture, mode);
  return std::ranges::all_of(stored, [&](const KnobSetting& knob) {
    const auto target = std::ranges::find(targets, knob.knob, &KnobSetting::knob);
    return target == targets.end() || target->value == knob.value;
  });
}

}  // namespace nvccd
