// Every change of mode, on every architecture, with every fault of the emulated hardware, striking at every
// step. Whatever happens: no device ends between the old and the new mode, nothing says ready unless the
// hardware is, an error names the device, and once the fault is gone the node comes right.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>

#include "node_fixture.h"
#include "tests/emulator/faults.h"

namespace nvccd::test {
namespace {

using emulator::Model;

struct Fleet {
  std::string name;
  std::vector<Model> models;  // the first is the one with the fault
  std::vector<Mode> modes;
};

const std::vector<Fleet>& fleets() {
  static const std::vector<Mode> all(std::begin(all_values<Mode>), std::end(all_values<Mode>));
  static const std::vector<Mode> without_ppcie = {Mode::off, Mode::on, Mode::devtools};
  static const std::vector<Fleet> fleets = {
      {"hopper", {Model::gh100, Model::gh100}, all},
      {"switch", {Model::ls10, Model::gh100, Model::gh100}, all},
      {"gb100", {Model::gb100, Model::gb100}, without_ppcie},
      {"gb202", {Model::gb202, Model::gb100, Model::gh100}, without_ppcie},
  };
  return fleets;
}

// A value of each kind that the fault takes.
std::vector<std::string> values_of(const emulator::FaultInfo& info) {
  switch (info.value) {
    case emulator::FaultValue::flag:
      return {"1"};
    case emulator::FaultValue::number:
      return info.name == "late-reply"  ? std::vector<std::string>{"3", "7000"}
             : info.name == "bad-reads" ? std::vector<std::string>{"1", "40"}
                                        : std::vector<std::string>{"1"};
    case emulator::FaultValue::knob:
      return {"1", "@8", "@45"};
    case emulator::FaultValue::error:
      return {"0x202", "0x1e3", "0x202@8", "0x202@10/write"};
    case emulator::FaultValue::gaps:
      return {"1", "2/0/3"};
    case emulator::FaultValue::choice: {
      std::vector<std::string> values;
      std::string word;
      for (const char c : std::string(info.choices) + " ")
        if (c != ' ')
          word += c;
        else
          values.push_back(std::exchange(word, ""));
      return values;
    }
  }
  return {};
}

enum class Strike { before, staging, resetting, booting, verifying };
constexpr Strike strikes[] = {Strike::before, Strike::staging, Strike::resetting, Strike::booting,
                              Strike::verifying};
constexpr const char* strike_names[] = {"before", "staging", "resetting", "booting", "verifying"};

// "0000:01:00.0: boot: the firmware did not ..."
bool names_device_step_and_cause(const std::string& error) {
  constexpr std::string_view device = "0000:01:00.0: ";
  if (!error.starts_with(device)) return false;
  const auto rest = std::string_view(error).substr(device.size());
  return std::ranges::any_of(
      std::array{"bind: ", "stage: ", "reset: ", "boot: ", "verify: "},
      [&](std::string_view step) { return rest.starts_with(step) && rest.size() > step.size() + 10; });
}

class FaultMatrix : public testing::TestWithParam<std::tuple<std::size_t, std::size_t, Strike>> {
 protected:
  static void TearDownTestSuite() {
    std::cout << fmt::format("fault matrix: {} cases, of which {} ended in an error that named the device\n",
                             cases_, failures_);
  }

  static void run_case(const Fleet& fleet, Mode from, Mode to, const std::string& fault,
                       const std::string& value, Strike strike);
  static void check_promises(Node& node, const Fleet& fleet, const std::string& context);

  static inline unsigned cases_ = 0;
  static inline unsigned failures_ = 0;
};

// Ready and healthy are promises: they hold only where the hardware itself agrees.
void FaultMatrix::check_promises(Node& node, const Fleet& fleet, const std::string& context) {
  const auto& state = node.manager->node();
  for (unsigned n = 0; n < fleet.models.size(); ++n) {
    if (!node.device(n).healthy()) {
      EXPECT_FALSE(state.ready) << context;
      continue;
    }
    EXPECT_EQ(node.hardware(n).active_mode(), expected_mode(fleet.models[n], state.requested_mode))
        << context << n;
    EXPECT_TRUE(node.hardware(n).booted()) << context << n;
  }
}

void FaultMatrix::run_case(const Fleet& fleet, Mode from, Mode to, const std::string& fault,
                           const std::string& value, Strike strike) {
  const auto context = fmt::format("{} {} -> {}, {}={} {}: ", fleet.name, to_string(from), to_string(to),
                                   fault, value, strike_names[static_cast<int>(strike)]);
  Node node;
  node.settings.transition.boot_timeout = std::chrono::seconds(1);
  for (unsigned n = 0; n < fleet.models.size(); ++n)
    node.plug(n, fleet.models[n]);
  node.start_daemon();
  node.run();
  ASSERT_EQ(node.set_mode(from).state, JobState::done) << context;
  auto& victim = node.hardware(0);
  // Applied to a spare first: not every fault exists on every model.
  emulator::ManualClock spare_clock;
  if (!emulator::make_device(fleet.models[0], spare_clock, {})->set_fault(fault, value)) return;
  ++cases_;

  const auto before = victim.counters();
  bool struck = false;
  const auto strikes_now = [&] {
    switch (strike) {
      case Strike::before:
        return true;
      case Strike::staging:
        return victim.counters().knob_writes > before.knob_writes;
      case Strike::resetting:
        return node.device(0).state == DeviceState::transitioning &&
               victim.counters().knob_writes > before.knob_writes &&
               node.jobs->jobs.rbegin()->second.phase == JobPhase::reset;
      case Strike::booting:
        return victim.counters().function_level_resets > before.function_level_resets;
      case Strike::verifying:
        return victim.counters().function_level_resets > before.function_level_resets && victim.booted();
    }
    return false;
  };
  const auto strike_if_due = [&] {
    if (struck || !strikes_now()) return;
    struck = true;
    victim.set_fault(fault, value);
  };
  if (strike == Strike::before) strike_if_due();
  node.host->on_step = [&](std::uint64_t) { strike_if_due(); };

  const auto accepted = node.manager->set_mode(to, {});
  node.run();
  node.host->on_step = nullptr;

  // A device that does not know a mode may be refused at once, and nothing has happened then.
  if (!accepted) {
    EXPECT_EQ(accepted.error().kind, ErrorKind::not_supported) << context << accepted.error().message();
  } else {
    const auto& job = node.jobs->jobs[*accepted];
    EXPECT_TRUE(job.finished()) << context << "the job never ended";
    if (job.state == JobState::failed) {
      ++failures_;
      EXPECT_TRUE(names_device_step_and_cause(job.error)) << context << job.error;
    }
  }
  for (unsigned n = 0; n < fleet.models.size(); ++n) {
    const auto mode = node.hardware(n).active_mode();
    const bool died = n == 0 && fault == "invalid-state";
    EXPECT_TRUE(died || mode == expected_mode(fleet.models[n], from) ||
                mode == expected_mode(fleet.models[n], to))
        << context << "device " << n << " is in " << mode;
  }
  check_promises(node, fleet, context);

  // The fault is repaired, as by a service technician, who also cuts the power.
  victim.clear_faults();
  node.cut_power(0);
  ASSERT_TRUE(node.settled);
  node.manager->rescan();
  node.run();
  const auto again = node.manager->set_mode(to, {});
  ASSERT_TRUE(again) << context << again.error().message();
  node.run();
  EXPECT_EQ(node.jobs->jobs[*again].state, JobState::done) << context << node.jobs->jobs[*again].error;
  for (unsigned n = 0; n < fleet.models.size(); ++n)
    EXPECT_EQ(node.hardware(n).active_mode(), expected_mode(fleet.models[n], to)) << context << n;
  check_promises(node, fleet, context);
  EXPECT_EQ(node.manager->node().mode_state, to_mode_state(to)) << context;
}

TEST_P(FaultMatrix, NeverLeavesADeviceInBetweenAndNeverPromisesWhatIsNotSo) {
  const auto& [fleet_index, fault_index, strike] = GetParam();
  const Fleet& fleet = fleets()[fleet_index];
  const auto& info = emulator::fault_table()[fault_index];
  for (const Mode from : fleet.modes)
    for (const Mode to : fleet.modes)
      for (const auto& value : values_of(info))
        if (from != to) run_case(fleet, from, to, std::string(info.name), value, strike);
}

std::string case_name(const testing::TestParamInfo<FaultMatrix::ParamType>& info) {
  const auto& [fleet, fault, strike] = info.param;
  auto name = fmt::format("{}_{}_{}", fleets()[fleet].name, emulator::fault_table()[fault].name,
                          strike_names[static_cast<int>(strike)]);
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Engine, FaultMatrix,
                         testing::Combine(testing::Range<std::size_t>(0, fleets().size()),
                                          testing::Range<std::size_t>(0, emulator::fault_table().size()),
                                          testing::ValuesIn(strikes)),
                         case_name);

}  // namespace
}  // namespace nvccd::test
