// Host and firmware run at the same time: whatever the firmware does, between any two accesses of ours, must
// lead to the same answer, cost no time of its own and offend no rule of the mailbox.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "stepping_firmware.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;
using emulator::Model;
using test::Gaps;

constexpr Duration poll_step = 100us;
// The host's own waits: until the mailbox is quiet, and a look at firmware that has not done its next step.
constexpr Duration longest_idle = 2ms + 700us;

bool has_emem(Model model) {
  return model == Model::gh100 || model == Model::ls10;
}

// One device, from which a test takes answers while its firmware steps along.
struct Bench {
  Bench(Model model, const Gaps& gaps, bool tail_first)
      : access(model), clock(access.clock(), access.device()) {
    auto& device = access.device();
    device.set_knob(6, 1);
    device.set_knob(8, 2);
    device.set_knob(45, 3);
    device.set_fault("firmware-steps", test::to_text(gaps));
    if (tail_first) device.set_fault("tail-first", "1");
  }

  PrcClient client() { return client(access.registers()); }
  PrcClient client(RegisterWindow& registers) {
    return {
        make_transport(has_emem(access.device().model()) ? Mailbox::emem : Mailbox::mnoc, registers, clock),
        clock};
  }
  // What an operation did against the law; empty: nothing.
  std::string law(Duration allowed_idle = longest_idle) {
    if (!access.protocol_errors().empty()) return access.protocol_errors().front();
    if (clock.since_last_step() > poll_step)
      return fmt::format("{} us after the firmware had done all", clock.since_last_step() / 1us);
    if (clock.longest() > allowed_idle) return fmt::format("waited {} us for nothing", clock.longest() / 1us);
    return "";
  }

  test::EmulatedAccess access;
  test::IdleClock clock;
};

class Interleaving : public testing::TestWithParam<Model> {
 protected:
  void TearDown() override { RecordProperty("combinations", static_cast<int>(verdict.combinations())); }

  // Every way in which the firmware may step through an exchange.
  template <typename Try>
  void every_way(unsigned most, Try attempt) {
    const bool emem = has_emem(GetParam());
    for (const bool tail_first : {false, true}) {
      if (tail_first && !emem) continue;
      test::for_each_gaps(emem ? 3 : 4, emem ? most : most / 2, [&](const Gaps& gaps) {
        verdict.count();
        const std::string broken = attempt(gaps, tail_first);
        if (!broken.empty())
          verdict.broken(
              fmt::format("{}{}: {}", test::to_text(gaps), tail_first ? " tail first" : "", broken));
      });
    }
  }

  test::Verdict verdict;
};

INSTANTIATE_TEST_SUITE_P(Models, Interleaving,
                         testing::Values(Model::gh100, Model::ls10, Model::gb100, Model::gb202),
                         [](const auto& parameters) { return test::model_name(parameters.param); });

std::string wrong_read(PrcClient& prc, Knob knob, std::optional<std::uint16_t> expected) {
  const auto value = prc.read(knob);
  if (!value) return value.error().message();
  return *value == expected ? "" : fmt::format("{} reads wrong", to_string(knob));
}

std::string first_of(std::initializer_list<std::string> texts) {
  const auto* const found = std::ranges::find_if(texts, [](const auto& text) { return !text.empty(); });
  return found == texts.end() ? "" : *found;
}

TEST_P(Interleaving, KnobsReadTheirValues) {
  every_way(12, [](const Gaps& gaps, bool tail_first) {
    Bench bench(GetParam(), gaps, tail_first);
    auto prc = bench.client();
    return first_of({wrong_read(prc, Knob::cc_devtools, 1), bench.law(), wrong_read(prc, Knob::cc_mode, 2),
                     bench.law(), wrong_read(prc, Knob::ppcie, 3), bench.law()});
  });
  EXPECT_EQ(verdict.text(), "");
}

TEST_P(Interleaving, AKnobIsWrittenAndReadsBack) {
  every_way(12, [](const Gaps& gaps, bool tail_first) {
    Bench bench(GetParam(), gaps, tail_first);
    auto prc = bench.client();
    const auto written = prc.write(Knob::cc_mode, 1);
    return first_of({written ? "" : written.error().message(), bench.law(),
                     bench.access.device().knob(8) == 1 ? "" : "not stored",
                     wrong_read(prc, Knob::cc_devtools, 1), bench.law()});
  });
  EXPECT_EQ(verdict.text(), "");
}

TEST_P(Interleaving, AnUnknownKnobIsUnknownAndARefusalARefusal) {
  every_way(12, [](const Gaps& gaps, bool tail_first) -> std::string {
    Bench bench(GetParam(), gaps, tail_first);
    bench.access.device().set_fault("ppcie-unknown", "1");
    bench.access.device().set_fault("fsp-error", "0x202@8");
    auto prc = bench.client();
    if (auto wrong = first_of({wrong_read(prc, Knob::ppcie, {}), bench.law()}); !wrong.empty()) return wrong;
    const auto refused = prc.read(Knob::cc_mode);
    if (refused || refused.error().transient) return "the refusal is lost";
    return first_of({bench.law(), wrong_read(prc, Knob::cc_devtools, 1), bench.law()});
  });
  EXPECT_EQ(verdict.text(), "");
}

// A planted command is one that the firmware ignores: a second is what finding that out costs.
TEST_P(Interleaving, WhatLiesInTheMailboxIsNotTakenForAnAnswer) {
  for (const char* planted : {"message", "command", "1"}) {
    const bool command = planted != std::string_view("message");
    if (command && !has_emem(GetParam())) continue;
    every_way(8, [&](const Gaps& gaps, bool tail_first) {
      Bench bench(GetParam(), gaps, tail_first);
      bench.access.device().set_fault("stale-queues", planted);
      auto prc = bench.client();
      return first_of({wrong_read(prc, Knob::cc_mode, 2),
                       bench.law(command ? 1s + longest_idle : longest_idle),
                       wrong_read(prc, Knob::cc_devtools, 1)});
    });
  }
  EXPECT_EQ(verdict.text(), "");
}

// The host dies after each access of its exchange, while the firmware goes on; its successor asks for another
// knob.
TEST_P(Interleaving, ASuccessorOfAHostThatDiedGetsItsOwnAnswers) {
  constexpr std::uint32_t announce = 0x8f1f84;
  constexpr std::uint32_t word = 0x8f1f88;
  constexpr std::uint32_t command_tail = 0x8f2c14;
  for (unsigned death = 0; death < 34; ++death) {
    every_way(6, [&](const Gaps& gaps, bool tail_first) {
      Bench bench(GetParam(), gaps, tail_first);
      test::MortalRegisters registers(bench.access.registers(), death);
      auto predecessor = bench.client(registers);
      (void)predecessor.read(Knob::cc_devtools);
      bench.clock.restart();
      const auto& writes = registers.writes();
      // Half a request: only a reset helps there, and an error says so.
      const auto words = std::ranges::count(writes, word);
      if (std::ranges::count(writes, announce) > 0 && words < 3) return std::string();
      // No doorbell: the firmware knows of no command, and a second shows it.
      const bool not_rung = !writes.empty() && writes.back() == command_tail;
      auto prc = bench.client();
      return first_of({wrong_read(prc, Knob::cc_mode, 2),
                       bench.law(not_rung ? 1s + longest_idle : longest_idle),
                       wrong_read(prc, Knob::cc_devtools, 1)});
    });
  }
  EXPECT_EQ(verdict.text(), "");
}

// A device as the daemon has it, with every write to its registers noted.
class NotingAccess final : public DeviceAccess {
 public:
  explicit NotingAccess(test::EmulatedAccess& access)
      : access_(access), registers_(access.registers(), std::numeric_limits<unsigned>::max()) {}
  RegisterWindow& registers() override { return registers_; }
  ConfigSpace& config() override { return access_.config(); }
  Result<> prove() override { return {}; }
  Result<> reset() override { return access_.reset(); }
  auto count(std::uint32_t offset) const { return std::ranges::count(registers_.writes(), offset); }

 private:
  test::EmulatedAccess& access_;
  test::MortalRegisters registers_;
};

// Reads, writes what differs, resets, boots and verifies, as a change of the daemon does.
std::string change(Bench& bench, NotingAccess& access, ConfidentialDevice& device, Mode mode) {
  const auto architecture = device.chip().architecture;
  const auto stored = device.stored_knobs(mode);
  if (!stored) return stored.error().message();
  for (const auto& target : target_knobs(architecture, mode)) {
    if (std::ranges::find(*stored, target) != stored->end()) continue;
    if (const auto written = device.write_knob(target); !written) return written.error().message();
    if (auto broken = bench.law(); !broken.empty()) return broken;
  }
  const auto rings = access.count(0x122204);
  (void)access.reset();
  if (const auto booted = device.wait_until_booted(1s); !booted) return booted.error().message();
  if (bench.clock.since_last_step() > 5ms) return "the end of the boot was overlooked";
  bench.clock.restart();
  if (architecture == Architecture::hopper && access.count(0x122204) == rings)
    return "the register ring was not initialised";
  const auto active = device.active_mode();
  if (!active || active->mode != mode) return "not the mode that was asked for";
  const auto after = device.stored_knobs(mode);
  if (!after) return after.error().message();
  return holds_target(*after, architecture, mode) ? "" : "the knobs do not hold";
}

TEST_P(Interleaving, AWholeChangeOfModeSucceedsAndIsSeen) {
  every_way(6, [](const Gaps& gaps, bool tail_first) -> std::string {
    Bench bench(GetParam(), gaps, tail_first);
    NotingAccess access(bench.access);
    const auto kind = GetParam() == Model::ls10 ? DeviceKind::nvswitch : DeviceKind::gpu;
    const auto id = static_cast<std::uint16_t>(bench.access.device().config_read(2, 2));
    (void)access.reset();
    auto device = ConfidentialDevice::open(kind, id, access, bench.clock, 1s);
    if (!device) return device.error().message();
    bench.clock.restart();
    for (const Mode mode : {device->chip().modes.back(), Mode::off})
      if (auto broken = change(bench, access, *device, mode); !broken.empty())
        return fmt::format("{}: {}", to_string(mode), broken);
    return bench.access.protocol_errors().empty() ? "" : bench.access.protocol_errors().front();
  });
  EXPECT_EQ(verdict.text(), "");
}

}  // namespace
}  // namespace nvccd
