// What the node's mode means for one device, and which exceptions count.
#include <gtest/gtest.h>

#include "common/policy/desired.h"

namespace nvccd {
namespace {

constexpr PciAddress first{0, 0x65, 0, 0};
constexpr PciAddress second{0, 0x66, 0, 0};
constexpr std::uint16_t h100 = 0x2330;
constexpr std::uint16_t ls10 = 0x22a3;

struct Expectation {
  Mode node;
  DeviceKind kind;
  Mode device;
};

class ModeOfADevice : public testing::TestWithParam<Expectation> {};

TEST_P(ModeOfADevice, FollowsTheNodesMode) {
  const auto desired = desired_device({}, GetParam().node, first, GetParam().kind, h100);
  EXPECT_TRUE(desired.managed);
  EXPECT_EQ(desired.mode, GetParam().device);
}

INSTANTIATE_TEST_SUITE_P(EveryModeAndKind, ModeOfADevice,
                         testing::Values(Expectation{Mode::off, DeviceKind::gpu, Mode::off},
                                         Expectation{Mode::on, DeviceKind::gpu, Mode::on},
                                         Expectation{Mode::devtools, DeviceKind::gpu, Mode::devtools},
                                         Expectation{Mode::ppcie, DeviceKind::gpu, Mode::ppcie},
                                         Expectation{Mode::off, DeviceKind::nvswitch, Mode::off},
                                         Expectation{Mode::on, DeviceKind::nvswitch, Mode::off},
                                         Expectation{Mode::devtools, DeviceKind::nvswitch, Mode::off},
                                         Expectation{Mode::ppcie, DeviceKind::nvswitch, Mode::ppcie}));

Settings with(std::vector<DeviceOverride> devices) {
  Settings settings;
  settings.devices = std::move(devices);
  return settings;
}

constexpr DeviceMatch everything{};
constexpr DeviceMatch at_first{.address = first, .device_id = {}, .kind = {}};
constexpr DeviceMatch of_h100{.address = {}, .device_id = h100, .kind = {}};
constexpr DeviceMatch of_switches{.address = {}, .device_id = {}, .kind = DeviceKind::nvswitch};

TEST(DeviceException, OfOneAddressIsForThatDeviceOnly) {
  const auto settings = with({{.match = at_first, .managed = false, .mode = {}}});
  EXPECT_FALSE(desired_device(settings, Mode::on, first, DeviceKind::gpu, h100).managed);
  EXPECT_TRUE(desired_device(settings, Mode::on, second, DeviceKind::gpu, h100).managed);
}

TEST(DeviceException, OfADeviceIdIsForThatProductOnly) {
  const auto settings = with({{.match = of_h100, .managed = true, .mode = Mode::devtools}});
  EXPECT_EQ(desired_device(settings, Mode::on, first, DeviceKind::gpu, h100).mode, Mode::devtools);
  EXPECT_EQ(desired_device(settings, Mode::on, first, DeviceKind::gpu, 0x2331).mode, Mode::on);
}

TEST(DeviceException, OfAKindIsForThatKindOnly) {
  const auto settings = with({{.match = of_switches, .managed = false, .mode = {}}});
  EXPECT_FALSE(desired_device(settings, Mode::ppcie, first, DeviceKind::nvswitch, ls10).managed);
  EXPECT_TRUE(desired_device(settings, Mode::ppcie, first, DeviceKind::gpu, h100).managed);
}

TEST(DeviceException, WithSeveralConditionsNeedsAllOfThem) {
  const auto settings = with({{.match = {.address = first, .device_id = h100, .kind = DeviceKind::gpu},
                               .managed = false,
                               .mode = {}}});
  EXPECT_FALSE(desired_device(settings, Mode::on, first, DeviceKind::gpu, h100).managed);
  EXPECT_TRUE(desired_device(settings, Mode::on, second, DeviceKind::gpu, h100).managed);
  EXPECT_TRUE(desired_device(settings, Mode::on, first, DeviceKind::gpu, 0x2331).managed);
  EXPECT_TRUE(desired_device(settings, Mode::on, first, DeviceKind::nvswitch, h100).managed);
}

TEST(DeviceException, TheFirstThatMatchesCountsAndNoLaterOne) {
  const auto settings = with({{.match = at_first, .managed = true, .mode = Mode::off},
                              {.match = everything, .managed = false, .mode = Mode::devtools}});
  const auto at_the_first = desired_device(settings, Mode::on, first, DeviceKind::gpu, h100);
  EXPECT_TRUE(at_the_first.managed);
  EXPECT_EQ(at_the_first.mode, Mode::off);
  EXPECT_FALSE(desired_device(settings, Mode::on, second, DeviceKind::gpu, h100).managed);
}

TEST(DeviceException, WithoutAModeLeavesTheNodesMode) {
  const auto settings = with({{.match = everything, .managed = true, .mode = {}}});
  EXPECT_EQ(desired_device(settings, Mode::ppcie, first, DeviceKind::gpu, h100).mode, Mode::ppcie);
  EXPECT_EQ(desired_device(settings, Mode::on, first, DeviceKind::nvswitch, ls10).mode, Mode::off);
}

TEST(DeviceException, OfModeWinsForASwitchToo) {
  const auto settings = with({{.match = of_switches, .managed = true, .mode = Mode::ppcie}});
  EXPECT_EQ(desired_device(settings, Mode::on, first, DeviceKind::nvswitch, ls10).mode, Mode::ppcie);
}

}  // namespace
}  // namespace nvccd
