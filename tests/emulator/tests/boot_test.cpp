// Time after a reset: nothing answers, then the registers do, then the firmware.
#include <gtest/gtest.h>

#include "host.h"

namespace emulator {
namespace {

constexpr Delays kDelays{.reply = milliseconds(5), .reset = milliseconds(100), .boot = milliseconds(1500)};

struct Place {
  Model model;
  std::uint32_t boot_register;
  std::uint32_t mode_register;
  unsigned mode_knob;
};

class Boot : public testing::TestWithParam<Place> {
 protected:
  Host host{GetParam().model, kDelays};
};

INSTANTIATE_TEST_SUITE_P(Models, Boot,
                         testing::Values(Place{Model::gh100, 0x200BC, 0x1182CC, 8},
                                         Place{Model::gb100, 0x200BC, 0x590, 8},
                                         Place{Model::gb102, 0x200BC, 0x590, 8},
                                         Place{Model::gb202, 0xAD00BC, 0x590, 8},
                                         Place{Model::ls10, 0x660BC, 0x28C50, 45}),
                         [](const auto& tested) { return model_name(tested.param.model); });

TEST_P(Boot, StartsAsIfPoweredOnLongAgo) {
  EXPECT_EQ(host.read(GetParam().boot_register), 0xFFU);
  EXPECT_TRUE(host.device->booted());
  EXPECT_EQ(host.events.size(), 0U);
}

TEST_P(Boot, NothingAnswersDuringTheReset) {
  host.device->reset(ResetKind::bus);
  host.clock.advance(milliseconds(99));
  host.enable_memory();  // lost
  EXPECT_EQ(host.config(0), kAllOnes);
  EXPECT_EQ(host.config(0, 2), 0xFFFFU);
  EXPECT_EQ(host.config(0x0E, 1), 0xFFU);
  EXPECT_EQ(host.read(0), kAllOnes);
  host.clock.advance(milliseconds(1));
  EXPECT_EQ(host.config(0, 2), 0x10DEU);
  EXPECT_EQ(host.config(0x04, 2), 0U);
  EXPECT_EQ(host.read(0), kAllOnes) << "memory is not enabled";
  host.enable_memory();
  EXPECT_NE(host.read(0), kAllOnes);
}

TEST_P(Boot, ModeShowsOnlyWhenTheBootIsComplete) {
  host.device->set_knob(GetParam().mode_knob, 1);
  host.device->reset(ResetKind::function_level);
  host.clock.advance(milliseconds(100));
  host.enable_memory();
  EXPECT_EQ(host.read(GetParam().boot_register), 0U);
  EXPECT_EQ(host.read(GetParam().mode_register), 0U);
  EXPECT_EQ(host.read(0x8F0ABC), 0x20U) << "the FSP's configuration is readable at all times";
  EXPECT_FALSE(host.device->booted());
  host.clock.advance(milliseconds(1499));
  EXPECT_EQ(host.read(GetParam().boot_register), 0U);
  EXPECT_EQ(host.count_events("booted"), 0U);
  host.clock.advance(milliseconds(1));
  EXPECT_TRUE(host.device->booted());
  EXPECT_EQ(host.read(GetParam().boot_register), 0xFFU);
  EXPECT_EQ(host.read(GetParam().mode_register), 1U);
  EXPECT_EQ(host.count_events("booted"), 1U);
  host.read(0);
  EXPECT_EQ(host.count_events("booted"), 1U);
}

TEST_P(Boot, FirmwareDoesNotListenBeforeTheBootIsComplete) {
  host.device->reset(ResetKind::function_level);
  host.clock.advance(milliseconds(1000));
  host.enable_memory();
  host.send(write_request(GetParam().mode_knob, 1));
  EXPECT_GE(host.device->counters().protocol_errors, 1U);
  host.clock.advance(milliseconds(5000));
  EXPECT_EQ(host.receive(), std::nullopt);
  EXPECT_EQ(host.device->knob(GetParam().mode_knob), 0);
}

TEST_P(Boot, AnotherResetStartsItAgainWithTheKnobsOfThen) {
  host.device->reset(ResetKind::function_level);
  host.clock.advance(milliseconds(1000));
  host.device->set_knob(GetParam().mode_knob, 1);
  host.device->reset(ResetKind::function_level);
  host.clock.advance(milliseconds(1599));
  EXPECT_FALSE(host.device->booted());
  host.clock.advance(milliseconds(1));
  EXPECT_TRUE(host.device->booted());
  host.enable_memory();
  EXPECT_EQ(host.read(GetParam().mode_register), 1U);
}

TEST_P(Boot, NewDelaysCountFromTheNextReset) {
  host.device->reset(ResetKind::function_level);
  host.device->set_delays({.reply = {}, .reset = {}, .boot = milliseconds(10)});
  host.clock.advance(milliseconds(10));
  EXPECT_FALSE(host.device->booted());
  host.device->reset(ResetKind::function_level);
  host.clock.advance(milliseconds(10));
  EXPECT_TRUE(host.device->booted());
}

TEST_P(Boot, EachKindOfResetIsCountedAndLogged) {
  host.device->reset(ResetKind::function_level);
  host.device->reset(ResetKind::bus);
  host.device->reset(ResetKind::bus);
  host.device->reset(ResetKind::power);
  const Counters& counters = host.device->counters();
  EXPECT_EQ(counters.function_level_resets, 1U);
  EXPECT_EQ(counters.bus_resets, 2U);
  EXPECT_EQ(counters.power_cycles, 1U);
  EXPECT_EQ(host.count_events("reset"), 4U);
  EXPECT_EQ(host.last_event("reset").details.at("kind"), "power");
  EXPECT_EQ(host.count_events("latched"), 4U);
}

TEST(Scratch, TellsWhichResetItWas) {
  for (const auto& [model, cleared_by_any] :
       std::map<Model, std::uint32_t>{{Model::gh100, 0x1458}, {Model::ls10, 0xDFE0}}) {
    Host host(model);
    const auto mark = [&] {
      host.write(cleared_by_any, 0x11);
      host.write(0x91288, 0x22);
    };
    mark();
    EXPECT_EQ(host.read(cleared_by_any), 0x11U);
    host.reset(ResetKind::function_level);
    EXPECT_EQ(host.read(cleared_by_any), 0U);
    EXPECT_EQ(host.read(0x91288), 0x22U);
    for (const ResetKind kind : {ResetKind::bus, ResetKind::power}) {
      mark();
      host.reset(kind);
      EXPECT_EQ(host.read(cleared_by_any), 0U);
      EXPECT_EQ(host.read(0x91288), 0U);
    }
  }
}

}  // namespace
}  // namespace emulator
