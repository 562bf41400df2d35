// What the steps of the daemon cost a device, in exchanges with its firmware and in register accesses: every
// one is there for a reason, and one more needs access.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "emulated_access.h"

namespace nvccd {
namespace {

using emulator::Model;

struct Cost {
  std::uint64_t exchanges;
  std::uint64_t accesses;
  bool operator==(const Cost&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Cost& cost) {
  return out << cost.exchanges << " exchanges, " << cost.accesses << " accesses";
}

template <typename Work>
Cost cost_of(test::EmulatedAccess& access, Work work) {
  const auto before = access.device().counters();
  work();
  const auto after = access.device().counters();
  return {after.knob_reads + after.knob_writes - before.knob_reads - before.knob_writes,
          after.register_accesses - before.register_accesses};
}

// Opens it, as each of look and stage do, and reads what a look reads.
void look(test::EmulatedAccess& access, Mode mode) {
  auto device = access.open();
  ASSERT_TRUE(device);
  ASSERT_TRUE(device->active_mode());
  ASSERT_TRUE(device->knows_ppcie());
  ASSERT_TRUE(device->stored_knobs(mode));
}

// What differs is written and read back.
void stage(test::EmulatedAccess& access, ConfidentialDevice& device, Mode mode) {
  const auto stored = device.stored_knobs(mode);
  ASSERT_TRUE(stored);
  for (const auto& target : target_knobs(device.chip().architecture, mode)) {
    const bool differs = std::ranges::find(*stored, target) == stored->end();
    ASSERT_TRUE(!differs || device.write_knob(target));
  }
  ASSERT_TRUE(access.protocol_errors().empty());
}

void verify(ConfidentialDevice& device, Mode mode) {
  ASSERT_TRUE(device.wait_until_booted(std::chrono::seconds(1)));
  ASSERT_EQ(device.active_mode()->mode, mode);
  ASSERT_TRUE(device.stored_knobs(mode));
}

struct Expected {
  Model model;
  Mode mode;
  Cost look, stage, verify;
};

TEST(Cost, OfLookStageAndVerify) {
  const Expected expected[] = {{Model::gh100, Mode::on, {7, 154}, {11, 228}, {7, 146}},
                               {Model::gh100, Mode::ppcie, {7, 154}, {11, 228}, {7, 146}},
                               {Model::gh100, Mode::off, {4, 94}, {4, 88}, {4, 86}},
                               {Model::ls10, Mode::ppcie, {7, 153}, {9, 188}, {7, 144}},
                               {Model::gb100, Mode::on, {5, 88}, {7, 116}, {5, 84}},
                               {Model::gb202, Mode::devtools, {5, 88}, {9, 148}, {5, 84}}};
  for (const auto& [model, mode, look_cost, stage_cost, verify_cost] : expected) {
    SCOPED_TRACE(test::model_name(model) + " " + std::string(to_string(mode)));
    test::EmulatedAccess access(model);
    EXPECT_EQ(cost_of(access, [&] { look(access, mode); }), look_cost);
    auto device = access.open();
    ASSERT_TRUE(device);
    EXPECT_EQ(cost_of(access, [&] { stage(access, *device, mode); }), stage_cost);
    ASSERT_TRUE(access.reset());
    EXPECT_EQ(cost_of(access, [&] { verify(*device, mode); }), verify_cost);
  }
}

// All devices of a node boot at the same time, and share the ways to them with those that work.
TEST(Cost, OfABootIsOneAccessForALook) {
  for (const Model model : {Model::gh100, Model::gb202, Model::ls10}) {
    SCOPED_TRACE(test::model_name(model));
    test::EmulatedAccess access(model,
                                {.reset = std::chrono::milliseconds(100), .boot = std::chrono::seconds(2)});
    auto device = access.open();
    ASSERT_TRUE(device);
    ASSERT_TRUE(access.reset());
    const auto cost =
        cost_of(access, [&] { EXPECT_TRUE(device->wait_until_booted(std::chrono::minutes(1))); });
    EXPECT_LT(cost.accesses, 500);  // 400 looks, 5 ms each
  }
}

}  // namespace
}  // namespace nvccd
