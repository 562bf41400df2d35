#include "schedule.h"

#include <fmt/format.h>

#include <array>

namespace nvccd::test {
namespace {

using emulator::Model;

struct Kind {
  std::string_view name;
  unsigned weight;
  bool of_device = true;
  bool of_mode = false;
};

constexpr std::array<Kind, happenings> kinds = {{
    {"rescan", 3, false},
    {"reload", 2, false},
    {"set-mode", 12, false, true},
    {"clear-mode", 3, false},
    {"cancel", 4, false},
    {"bind", 2},
    {"unbind", 3},
    {"reset", 4},
    {"exclude", 4},
    {"include", 3},
    {"device-mode", 3, true, true},
    {"default-mode", 3, false, true},
    {"bind-setting", 1, false},
    {"plug", 3},
    {"unplug", 3},
    {"replace", 4},
    {"power-cut", 3},
    {"silent-power-cut", 2},
    {"recovery", 5},
    {"tool-reset", 4, true, true},
    {"driver-taken", 3},
    {"driver-given", 2},
    {"driver-flicker", 4, true, true},
    {"resume", 1, false},
    {"vm-takes", 8},
    {"vm-takes-unseen", 4},
    {"guest-changes", 6, true, true},
    {"vm-releases", 8},
    {"crash", 3, false},
    {"node-events-lost", 2, false},
    {"udev-events-lost", 2, false},
    {"binding-hangs", 2},
    {"reset-hangs", 2},
    {"driver-used", 2},
    {"fault", 6},
    {"clear-faults", 2},
}};

const Kind& kind_of(Happening what) {
  return kinds.at(static_cast<std::size_t>(what));
}

}  // namespace

std::string_view name_of(Happening what) {
  return kind_of(what).name;
}

unsigned weight_of(Happening what) {
  return kind_of(what).weight;
}

const std::vector<Fleet>& law_fleets() {
  static const std::vector<Fleet> fleets = {
      {"one Hopper GPU", {Model::gh100}},
      {"two Hopper GPUs", {Model::gh100, Model::gh100}},
      {"Hopper GPU and NVSwitch", {Model::gh100, Model::ls10}},
      {"two Hopper GPUs of one IOMMU group", {Model::gh100, Model::gh100}, true},
      {"Hopper GPU and NVSwitch of one IOMMU group, and a GPU",
       {Model::gh100, Model::ls10, Model::gh100},
       true},
      {"two Blackwell GPUs", {Model::gb100, Model::gb202}},
      {"GPUs of all kinds and an NVSwitch", {Model::gh100, Model::gb100, Model::gb202, Model::ls10}},
      {"an NVSwitch alone", {Model::ls10}},
  };
  return fleets;
}

const FaultChoice& fault_choice(unsigned choice) {
  static constexpr std::array<FaultChoice, 12> choices = {{{"no-reply", "1"},
                                                           {"fsp-error", "0x202"},
                                                           {"fsp-error", "0x202@8/write"},
                                                           {"boot-never", "1"},
                                                           {"recovery", "1"},
                                                           {"bar0-all-ones", "1"},
                                                           {"reset-fails", "1"},
                                                           {"late-reply", "7000"},
                                                           {"bad-reads", "3"},
                                                           {"ppcie-unknown", "1"},
                                                           {"not-latched", "1"},
                                                           {"reset-ignored", "1"}}};
  return choices.at(choice % choices.size());
}

std::string describe(const Command& command) {
  const Kind& kind = kind_of(command.what);
  std::string text = command.moment == Moment::staging   ? "once a knob is written: "
                     : command.moment == Moment::booting ? "once a device is reset: "
                     : command.accesses > 0 ? fmt::format("{:>4} register accesses later: ", command.accesses)
                                            : fmt::format("{:>6} ms later: ", command.wait);
  text += kind.name;
  if (kind.of_device) text += fmt::format(" device {}", command.device);
  if (kind.of_mode) text += fmt::format(" mode {}", to_string(command.mode()));
  if (command.what == Happening::fault) {
    const FaultChoice& chosen = fault_choice(command.choice);
    text += fmt::format(" {}={}", chosen.name, chosen.value);
  }
  text += fmt::format(" (choice {}, told {} ms late)", command.choice, command.late);
  return text;
}

std::string describe(const Schedule& schedule) {
  std::string text = fmt::format("fleet {}: {}\n", schedule.fleet, law_fleets().at(schedule.fleet).name);
  for (const Command& command : schedule.commands)
    text += "  " + describe(command) + "\n";
  return text;
}

}  // namespace nvccd::test
