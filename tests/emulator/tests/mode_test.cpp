// Knobs, what makes them active, and what the mode registers then show.
#include <gtest/gtest.h>

#include "host.h"

namespace emulator {
namespace {

struct Latching {
  Model model;
  std::map<unsigned, std::uint16_t> knobs;
  std::uint32_t mode_register;
  std::uint32_t word;
  std::string mode;
};

class Latch : public testing::TestWithParam<Latching> {};

INSTANTIATE_TEST_SUITE_P(All, Latch,
                         testing::Values(Latching{Model::gh100, {{8, 1}, {10, 2}}, 0x1182CC, 0x1, "on"},
                                         Latching{Model::gh100, {{8, 1}, {6, 1}}, 0x1182CC, 0x3, "devtools"},
                                         Latching{Model::gh100, {{6, 1}}, 0x1182CC, 0x2, "invalid"},
                                         Latching{Model::gh100, {{45, 1}, {10, 2}}, 0x1182CC, 0x20, "ppcie"},
                                         Latching{Model::gh100, {{45, 1}, {8, 1}}, 0x1182CC, 0x21, "invalid"},
                                         Latching{Model::gh100, {{10, 2}}, 0x1182CC, 0x0, "off"},
                                         Latching{Model::gb100, {{8, 1}}, 0x590, 0x1, "on"},
                                         Latching{Model::gb102, {{8, 1}, {6, 1}}, 0x590, 0x3, "devtools"},
                                         Latching{Model::gb202, {{6, 1}}, 0x590, 0x2, "invalid"},
                                         Latching{Model::gb202, {{10, 2}}, 0x590, 0x4, "off"},
                                         Latching{Model::gb202, {{8, 1}, {10, 1}}, 0x590, 0x1, "on"},
                                         Latching{Model::gb202, {{45, 1}}, 0x590, 0x0, "off"},
                                         Latching{Model::ls10, {{45, 1}}, 0x28C50, 0x1, "ppcie"},
                                         Latching{
                                             Model::ls10, {{8, 1}, {6, 1}, {10, 2}}, 0x28C50, 0x0, "off"}));

TEST_P(Latch, KnobsBecomeTheModeAtAResetOfAnyKindAndNotBefore) {
  for (const ResetKind kind : {ResetKind::function_level, ResetKind::bus, ResetKind::power}) {
    Host host(GetParam().model);
    for (const auto& [knob, value] : GetParam().knobs)
      EXPECT_EQ(host.write_knob(knob, value), "ok");
    EXPECT_EQ(host.read(GetParam().mode_register), 0U);
    EXPECT_EQ(host.device->active_mode(), "off");
    host.reset(kind);
    EXPECT_EQ(host.read(GetParam().mode_register), GetParam().word);
    EXPECT_EQ(host.device->active_mode(), GetParam().mode);
    EXPECT_EQ(host.last_event("latched").details.at("mode"), GetParam().mode);
    for (const auto& [knob, value] : GetParam().knobs) {
      EXPECT_EQ(host.device->knob(knob), value) << "knobs survive resets";
      EXPECT_EQ(host.write_knob(knob, 0), "ok");
    }
    EXPECT_EQ(host.read(GetParam().mode_register), GetParam().word) << "active until the next reset";
    host.reset(kind);
    EXPECT_EQ(host.read(GetParam().mode_register), 0U);
  }
}

TEST_P(Latch, LatchNowNeedsNoReset) {
  Host host(GetParam().model);
  for (const auto& [knob, value] : GetParam().knobs)
    host.device->set_knob(knob, value);
  host.device->latch_now();
  EXPECT_EQ(host.read(GetParam().mode_register), GetParam().word);
  EXPECT_EQ(host.count_events("reset"), 0U);
}

TEST(Mode, StateTwoIsCuredByWritingAnyModeAgain) {
  Host host(Model::gh100);
  host.device->set_knob(45, 1);
  ASSERT_TRUE(host.device->set_fault("invalid-state", "1"));
  EXPECT_EQ(host.read(0x1182CC), 0x2U);
  EXPECT_EQ(host.device->active_mode(), "invalid");
  host.reset();
  EXPECT_EQ(host.device->active_mode(), "invalid") << "a reset alone is no cure";
  EXPECT_EQ(host.read_knob(6), "1");
  EXPECT_EQ(host.write_knob(6, 0), "ok");
  host.reset();
  EXPECT_EQ(host.device->active_mode(), "off");
}

TEST(Mode, RegisterCannotBeWrittenByTheHost) {
  for (const auto& [model, mode_register] : std::map<Model, std::uint32_t>{
           {Model::gh100, 0x1182CC}, {Model::gb100, 0x590}, {Model::gb202, 0x590}, {Model::ls10, 0x28C50}}) {
    Host host(model);
    host.write(mode_register, 0x3F);
    EXPECT_EQ(host.read(mode_register), 0U);
    host.write(0, 0x12345678);
    EXPECT_NE(host.read(0), 0x12345678U);
  }
}

TEST(Knobs, WritesAreCountedAndLogged) {
  Host host(Model::gh100);
  host.read_knob(8);
  host.write_knob(8, 1);
  EXPECT_EQ(host.device->counters().knob_reads, 1U);
  EXPECT_EQ(host.device->counters().knob_writes, 1U);
  EXPECT_EQ(host.last_event("knob-written").details,
            (std::map<std::string, std::string>{{"knob", "8"}, {"value", "1"}}));
}

TEST(Knobs, HostMayWriteOnlyWhatItsPermissionKnobAllows) {
  Host host(Model::gh100);
  for (const auto& [permission, knob] : std::map<unsigned, unsigned>{
           {1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}, {33, 34}, {35, 36}, {44, 45}, {46, 47}}) {
    host.device->set_knob(permission, 0);
    EXPECT_EQ(host.write_knob(knob, 1), "error 484") << knob;
    EXPECT_EQ(host.read_knob(knob), "0");
    EXPECT_EQ(host.write_knob(permission, 1), "error 484") << "a host cannot grant itself a permission";
    host.device->set_knob(permission, 1);
    EXPECT_EQ(host.write_knob(knob, 1), "ok");
    EXPECT_EQ(host.read_knob(knob), "1");
  }
  EXPECT_EQ(host.write_knob(11, 1), "ok") << "a knob without permission partner";
}

}  // namespace
}  // namespace emulator
