// A host may do anything at all; the emulator lives on and a power cycle brings the device back.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "host.h"
#include "tests/emulator/faults.h"

namespace emulator {
namespace {

class Robustness : public testing::TestWithParam<Model> {};

INSTANTIATE_TEST_SUITE_P(Models, Robustness,
                         testing::Values(Model::gh100, Model::gb100, Model::gb102, Model::gb202, Model::ls10),
                         [](const auto& tested) { return model_name(tested.param); });

// Offsets where something happens, and values that mean something there.
constexpr std::uint32_t kPlaces[] = {0x0,      0x590,    0x1458,   0x91288,  0x1182CC, 0x200BC,
                                     0x28C50,  0x8F0ABC, 0x8F1F04, 0x8F1F08, 0x8F1F84, 0x8F1F88,
                                     0x8F2AD0, 0x8F2AD4, 0x8F2AF8, 0x8F2AFC, 0x8F2C10, 0x8F2C14,
                                     0x8F2C38, 0x8F2C3C, 0x8F2C90, 0x8F2C94, 0x8F2CB8, 0x8F2CBC};
constexpr std::uint32_t kValues[] = {0,          1,          2,          0x800,      0x808,      0x80C,
                                     0x1C00,     0x1FFC,     0x2000,     0x03000800, 0x03001FFC, 0x03FFFFFC,
                                     0x0010000C, 0x00101040, 0x001FFFFF, 0xC0000000, 0x1310DE7E, 0x0008020C,
                                     0x0008020D, 0x002D020D, 0xFFFFFFFF};

TEST_P(Robustness, RandomAccessesFaultsAndResets) {
  Host host(GetParam(), {.reply = milliseconds(2), .reset = milliseconds(5), .boot = milliseconds(20)});
  std::mt19937 random(static_cast<unsigned>(GetParam()) + 1);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (int step = 0; step < 20'000; ++step) {
    const std::uint32_t place = kPlaces[below(std::size(kPlaces))];
    const std::uint32_t value = kValues[below(std::size(kValues))];
    switch (below(16)) {
      case 0:
        host.device->reset(static_cast<ResetKind>(below(3)));
        break;
      case 1:
        host.device->config_write(static_cast<std::uint32_t>(below(0x1004)), 1U << below(3), value);
        break;
      case 2:
        host.config(static_cast<std::uint32_t>(below(0x1004)), 1U << below(3));
        break;
      case 3: {
        const FaultInfo& fault = fault_table()[below(fault_table().size())];
        host.device->set_fault(fault.name, below(2) == 0 ? "" : "1");
        break;
      }
      case 4:
        host.clock.advance(milliseconds(below(30)));
        break;
      case 5:
        host.device->clear_faults();
        break;
      case 6:
        host.enable_memory();
        host.device->config_write(0x44, 2, 0);
        break;
      case 7:
      case 8:
        host.exchange(write_request(static_cast<unsigned>(below(50)), value));
        break;
      case 9:
      case 10:
      case 11:
      case 12:
        host.write(place, value);
        break;
      default:
        host.read(place);
        break;
    }
  }
  EXPECT_GT(host.device->counters().protocol_errors, 0U);
  EXPECT_GT(host.device->counters().knob_writes, 0U) << "the random host got through to the firmware";
  host.device->clear_faults();
  for (unsigned knob = 1; knob <= 47; ++knob)
    host.device->set_knob(knob, 1);
  host.reset(ResetKind::power);
  host.clock.advance(milliseconds(25));
  host.enable_memory();
  EXPECT_TRUE(host.device->booted());
  host.device->set_delays({});
  EXPECT_EQ(host.write_knob(8, 0), "ok");
  EXPECT_EQ(host.read_knob(8), "0");
  EXPECT_EQ(host.read_knob(45), "1");
}

}  // namespace
}  // namespace emulator
