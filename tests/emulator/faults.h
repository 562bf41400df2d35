// Faults of an emulated device: what can be switched on, and how a value is written. The table with the
// meaning of every fault is in faults.cpp and is readable at run time through fault_table().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "profile.h"

namespace emulator {

enum class Fault {
  bar0_all_ones,
  security_fault,
  bad_reads_during_boot,
  bad_reads,
  boot_never,
  recovery,
  chip_id_zero,
  no_reply,
  fsp_error,
  permission_denied,
  ppcie_unknown,
  wrong_echo,
  wrong_reply_type,
  short_reply,
  oversized_reply,
  late_reply,
  dirty_reply,
  stale_queues,
  mnoc_not_ready,
  mnoc_no_credit,
  mnoc_error,
  not_stored,
  not_latched,
  invalid_state,
  firewall_stuck,
  firewall_delay,
  reset_ignored,
  reset_fails,
  d3_at_start,
  config_f0_all_ones,
  bars_lost,
  vanish,
  firmware_steps,
  tail_first,
};

enum class FaultValue {
  flag,    // "1"
  number,  // decimal or 0x..., 32 bits, from 1
  choice,  // one of FaultInfo::choices
  knob,    // "1" = every knob, "@8" = knob 8 only
  gaps,    // "2", "3/0/5": numbers from 0 to 255; the last one stands for those that are missing
  error,   // "0x202", "0x202@8" (that knob only); with "/read" or "/write" at the end: that command only
};

struct FaultInfo {
  Fault fault;
  FaultValue value;
  std::string_view name;
  std::string_view choices;  // for FaultValue::choice: words separated by blanks
  std::string_view meaning;
};

std::span<const FaultInfo> fault_table();
const FaultInfo* find_fault(std::string_view name);

struct FaultSetting {
  std::uint32_t number = 1;
  std::optional<unsigned> knob;
  std::vector<std::uint32_t> gaps;
  std::string word;  // the choice; "read", "write" or empty for FaultValue::error
};

// nullopt: not a value this fault takes.
std::optional<FaultSetting> parse_fault_value(const FaultInfo& info, std::string_view text);
// Whether the model has the part that the fault is about.
bool applies_to(Fault fault, const Profile& profile);

// The faults switched on.
class Faults {
 public:
  void set(Fault fault, FaultSetting setting);
  void clear(Fault fault);
  void clear_all();

  bool on(Fault fault) const;
  // The same for FaultValue::knob faults: on for this knob.
  bool on(Fault fault, unsigned knob) const;
  const FaultSetting* find(Fault fault) const;
  // The number of a fault that is on, else `otherwise`.
  std::uint32_t number(Fault fault, std::uint32_t otherwise) const;
  // True, and one less from now on, while the number of the fault lasts.
  bool use_up(Fault fault);

 private:
  std::map<Fault, FaultSetting> settings_;
};

}  // namespace emulator
