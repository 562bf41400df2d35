// What a device is, what the words of its registers mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/hardware/confidential_device.h"
#include "daemon/hardware/registers.h"

namespace nvccd {
namespace {

using testing::ElementsAre;

struct Product {
  std::uint16_t device_id;
  Architecture architecture;  // unknown: no Confidential Computing
};

class GpuByDeviceId : public testing::TestWithParam<Product> {};

TEST_P(GpuByDeviceId, IsRecognised) {
  const Chip* chip = find_gpu_chip(GetParam().device_id);
  EXPECT_EQ(chip == nullptr ? Architecture::unknown : chip->architecture, GetParam().architecture);
}

// Products, and both ends of every range with their neighbours.
INSTANTIATE_TEST_SUITE_P(
    Products, GpuByDeviceId,
    testing::Values(Product{0x2330, Architecture::hopper},     // H100 SXM5
                    Product{0x2331, Architecture::hopper},     // H100 PCIe
                    Product{0x2335, Architecture::hopper},     // H200
                    Product{0x2342, Architecture::hopper},     // GH200
                    Product{0x2901, Architecture::blackwell},  // B200
                    Product{0x2941, Architecture::blackwell},  // GB200
                    Product{0x29bc, Architecture::blackwell},  // B100
                    Product{0x3182, Architecture::blackwell},  // B300
                    Product{0x2bb5, Architecture::blackwell},  // RTX PRO 6000
                    Product{0x22ef, Architecture::unknown}, Product{0x22f0, Architecture::hopper},
                    Product{0x237f, Architecture::hopper}, Product{0x2380, Architecture::unknown},
                    Product{0x28ff, Architecture::unknown}, Product{0x2900, Architecture::blackwell},
                    Product{0x29ff, Architecture::blackwell}, Product{0x2a00, Architecture::unknown},
                    Product{0x2b7f, Architecture::unknown}, Product{0x2b80, Architecture::blackwell},
                    Product{0x2c7f, Architecture::blackwell}, Product{0x2c80, Architecture::unknown},
                    Product{0x2cff, Architecture::unknown}, Product{0x2d00, Architecture::blackwell},
                    Product{0x2dff, Architecture::blackwell}, Product{0x2e00, Architecture::unknown},
                    Product{0x2f00, Architecture::blackwell}, Product{0x2f7f, Architecture::blackwell},
                    Product{0x2f80, Architecture::unknown}, Product{0x317f, Architecture::unknown},
                    Product{0x3180, Architecture::blackwell}, Product{0x327f, Architecture::blackwell},
                    Product{0x3280, Architecture::unknown}, Product{0x20b5, Architecture::unknown},  // A100
                    Product{0x26b9, Architecture::unknown},                                          // L40S
                    Product{0x22a3, Architecture::unknown}));  // an NVSwitch is no GPU

TEST(BlackwellFamilies, DifferInTheirBootRegister) {
  EXPECT_EQ(find_gpu_chip(0x2901)->boot_register, 0x200bcU);
  EXPECT_EQ(find_gpu_chip(0x3200)->boot_register, 0x200bcU);
  for (const int id : {0x2b85, 0x2c00, 0x2d00, 0x2d80, 0x2f00})
    EXPECT_EQ(find_gpu_chip(static_cast<std::uint16_t>(id))->boot_register, 0xad00bcU) << std::hex << id;
}

TEST(Switches, AreRecognisedByTheirChipIdAlone) {
  ASSERT_NE(find_switch_chip(0x007000a1), nullptr);
  EXPECT_EQ(find_switch_chip(0x007000a1)->architecture, Architecture::ls10);
  EXPECT_EQ(find_switch_chip(0x006000a1), nullptr);  // the generation before
  EXPECT_EQ(find_switch_chip(0), nullptr);
  EXPECT_EQ(find_switch_chip(0xffffffff), nullptr);
}

TEST(SupportedModes, AreThoseOfTheArchitecture) {
  EXPECT_THAT(find_gpu_chip(0x2330)->modes, ElementsAre(Mode::off, Mode::on, Mode::devtools, Mode::ppcie));
  EXPECT_THAT(find_gpu_chip(0x2901)->modes, ElementsAre(Mode::off, Mode::on, Mode::devtools));
  EXPECT_THAT(find_switch_chip(0x007000a1)->modes, ElementsAre(Mode::off, Mode::ppcie));
}

std::string decoded(const Chip* chip, std::uint32_t word) {
  return std::string(to_string(decode_mode(*chip, word).mode));
}

TEST(ModeWord, OfHopperSaysCcDevtoolsAndPpcie) {
  const Chip* hopper = find_gpu_chip(0x2330);
  EXPECT_EQ(decoded(hopper, 0), "off");
  EXPECT_EQ(decoded(hopper, 1), "on");
  EXPECT_EQ(decoded(hopper, 3), "devtools");
  EXPECT_EQ(decoded(hopper, 1U << 5), "ppcie");
  // Flags that nobody has published do not matter.
  EXPECT_EQ(decoded(hopper, 0x181), "on");
  EXPECT_EQ(decoded(hopper, 0x180), "off");
}

TEST(ModeWord, WithBitsThatMakeNoModeIsUnknownNotOnAndNotOff) {
  const Chip* hopper = find_gpu_chip(0x2330);
  EXPECT_EQ(decoded(hopper, 2), "unknown");
  EXPECT_EQ(decoded(hopper, 1U << 5 | 1), "unknown");
  EXPECT_EQ(decoded(hopper, 1U << 5 | 2), "unknown");
  EXPECT_EQ(decoded(hopper, 1U << 5 | 3), "unknown");
  EXPECT_EQ(decoded(find_gpu_chip(0x2901), 2), "unknown");
}

TEST(ModeWord, OfBlackwellKnowsNoPpcieAndLeavesTheFirewallAlone) {
  const Chip* blackwell = find_gpu_chip(0x2901);
  EXPECT_EQ(decoded(blackwell, 0), "off");
  EXPECT_EQ(decoded(blackwell, 1), "on");
  EXPECT_EQ(decoded(blackwell, 3), "devtools");
  EXPECT_EQ(decoded(blackwell, 4), "off");
  EXPECT_EQ(decoded(blackwell, 1U << 5), "off");
}

TEST(ModeWord, OfASwitchSaysPpcie) {
  const Chip* ls10 = find_switch_chip(0x007000a1);
  EXPECT_EQ(decoded(ls10, 0), "off");
  EXPECT_EQ(decoded(ls10, 1), "ppcie");
  EXPECT_EQ(decoded(ls10, 2), "off");
}

TEST(RegisterValues, ThatMeanTroubleAreToldApart) {
  EXPECT_TRUE(is_bus_error(0xbadf5040));
  EXPECT_FALSE(is_bus_error(0xbad00200));
  EXPECT_TRUE(is_security_fault(0xbadf0200));
  EXPECT_TRUE(is_security_fault(0xbad00200));
  EXPECT_FALSE(is_security_fault(0xbadf5040));
  EXPECT_TRUE(is_unreadable(0xffffffff));
  EXPECT_TRUE(is_unreadable(0xbadf0001));
  EXPECT_FALSE(is_unreadable(0));
}

}  // namespace
}  // namespace nvccd
