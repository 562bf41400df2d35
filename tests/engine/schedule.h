// A schedule: what happens to a node, and when. It is a value that can be made by chance, written in a test,
// made smaller, and printed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/mode.h"
#include "tests/emulator/device.h"

namespace nvccd::test {

enum class Happening : std::uint8_t {
  // what callers ask for
  rescan,
  reload,
  set_mode,
  clear_mode,
  cancel,
  bind,
  unbind,
  reset,
  // settings, each with a reload
  exclude,
  include,
  device_mode,
  default_mode,
  bind_setting,
  // the host
  plug,
  unplug,
  replace,
  power_cut,
  silent_power_cut,
  recovery,
  tool_reset,
  driver_taken,
  driver_given,
  driver_flicker,
  resume,
  // virtual machines
  vm_takes,
  vm_takes_unseen,
  guest_changes,
  vm_releases,
  // the daemon
  crash,
  node_events_lost,
  udev_events_lost,
  // faults, until the end of the schedule unless they are cleared
  binding_hangs,
  reset_hangs,
  driver_used,
  fault,
  clear_faults,
};
inline constexpr unsigned happenings = static_cast<unsigned>(Happening::clear_faults) + 1;
std::string_view name_of(Happening what);
// How often it is chosen, beside the others.
unsigned weight_of(Happening what);

// When a command happens, rather than by time or number: at the first register access of the daemon after it
// has written a knob, or has reset a device.
enum class Moment : std::uint8_t { any, staging, booting };

struct Command {
  Happening what{};
  unsigned device = 0;    // of those that the happening is about
  unsigned choice = 0;    // what exactly: a mode, a fault, a model; 0 to 15
  unsigned wait = 0;      // milliseconds after the one before, or
  unsigned accesses = 0;  // unless 0: after so many register accesses of the daemon
  unsigned late = 0;      // milliseconds until the daemon is told
  Moment moment = Moment::any;

  bool by_access() const { return accesses > 0 || moment != Moment::any; }

  Mode mode() const { return all_values<Mode>[choice % 4]; }
};

struct Schedule {
  unsigned fleet = 0;
  std::vector<Command> commands;
};

struct Fleet {
  std::string_view name;
  std::vector<emulator::Model> models;
  bool shared_group = false;  // of the first two
};
const std::vector<Fleet>& law_fleets();

// Faults of the emulator that a schedule may have: name and value.
struct FaultChoice {
  std::string_view name, value;
};
const FaultChoice& fault_choice(unsigned choice);

// Lines for a person: the fleet, and one for each command.
std::string describe(const Command& command);
std::string describe(const Schedule& schedule);

}  // namespace nvccd::test
