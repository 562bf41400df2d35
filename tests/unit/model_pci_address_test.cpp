#include <gtest/gtest.h>

#include "common/model/pci_address.h"

namespace nvccd {
namespace {

TEST(PciAddress, ReadsWhatTheKernelPrints) {
  EXPECT_EQ(PciAddress::parse("0000:65:00.0"), (PciAddress{0, 0x65, 0, 0}));
  EXPECT_EQ(PciAddress::parse("10000:e1:1f.7"), (PciAddress{0x10000, 0xe1, 0x1f, 7}));
  EXPECT_EQ(PciAddress::parse("ffffffff:ff:00.0"), (PciAddress{0xffffffff, 0xff, 0, 0}));
  EXPECT_EQ(PciAddress::parse("ABCD:EF:0A.1"), (PciAddress{0xabcd, 0xef, 0xa, 1}));
}

TEST(PciAddress, PrintsLikeTheKernel) {
  for (const char* text : {"0000:65:00.0", "10000:e1:1f.7", "ffffffff:ff:00.0"})
    EXPECT_EQ(to_string(PciAddress::parse(text).value()), text);
}

TEST(PciAddress, HasANameForDbusAndOneForKubernetes) {
  const PciAddress address{0, 0x65, 0, 1};
  EXPECT_EQ(to_path_element(address), "0000_65_00_1");
  EXPECT_EQ(to_stable_id(address), "0000-65-00.1");
}

TEST(PciAddress, SortsByDomainBusDeviceAndFunction) {
  EXPECT_LT((PciAddress{0, 0xff, 0x1f, 7}), (PciAddress{1, 0, 0, 0}));
  EXPECT_LT((PciAddress{0, 1, 0x1f, 7}), (PciAddress{0, 2, 0, 0}));
  EXPECT_LT((PciAddress{0, 1, 1, 7}), (PciAddress{0, 1, 2, 0}));
  EXPECT_LT((PciAddress{0, 1, 1, 6}), (PciAddress{0, 1, 1, 7}));
}

class NoPciAddress : public testing::TestWithParam<const char*> {};

TEST_P(NoPciAddress, IsRefused) {
  EXPECT_EQ(PciAddress::parse(GetParam()), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Texts, NoPciAddress,
                         testing::Values("", "65:00.0", "000:65:00.0", "123456789:65:00.0", "0000:65:00",
                                         "0000:65:00.8", "0000:65:20.0", "0000:65:00.0 ", " 0000:65:00.0",
                                         "0000:65:00.00", "0000:6:00.0", "0000:655:0.0", "0000:65:0g.0",
                                         "0000-65-00.0", "0000:65.00.0", "0000:65:00:0", "-001:65:00.0",
                                         "0x00:65:00.0", "0000:+5:00.0", "0000:65:00.\n"));

}  // namespace
}  // namespace nvccd
