// The walk through the extended capabilities, on lists that are long, broken or looping; and where BAR0 is.
#include <gtest/gtest.h>

#include <map>

#include "daemon/hardware/pci_config.h"

namespace nvccd {
namespace {

class FakeConfigSpace final : public ConfigSpace {
 public:
  // What is not set reads 0.
  std::map<std::uint32_t, std::uint32_t> words;
  unsigned reads = 0;

  void add(std::uint32_t offset, std::uint16_t id, std::uint32_t next) {
    words[offset] = next << 20 | 1U << 16 | id;
  }
  void add_dvsec(std::uint32_t offset, std::uint16_t vendor, std::uint16_t id, std::uint32_t next) {
    add(offset, 0x23, next);
    words[offset + 4] = vendor;
    words[offset + 8] = id | dvsec_firewall_closed;
  }
  Result<std::uint32_t> read(std::uint32_t offset) override {
    EXPECT_EQ(offset % 4, 0U);
    EXPECT_LE(offset, 4092U);
    ++reads;
    if (fails_at && *fails_at == offset) return std::unexpected(Error{.cause = "gone"});
    const auto found = words.find(offset);
    return found == words.end() ? 0 : found->second;
  }
  std::optional<std::uint32_t> fails_at;
};

TEST(NvidiaDvsec, IsFoundBehindOtherCapabilities) {
  FakeConfigSpace config;
  config.add(0x100, 0x01, 0x148);
  config.add_dvsec(0x148, 0x8086, 0, 0x200);  // another maker's
  config.add_dvsec(0x200, 0x10de, 3, 0x300);  // ours, but another one
  config.add_dvsec(0x300, 0x10de, 0, 0);
  EXPECT_EQ(find_nvidia_dvsec(config).value(), 0x300U);
}

TEST(NvidiaDvsec, IsFoundInTheLastDwordsThatCanHoldIt) {
  FakeConfigSpace config;
  config.add(0x100, 0x01, 0xff0);
  config.add_dvsec(0xff0, 0x10de, 0, 0);
  EXPECT_EQ(find_nvidia_dvsec(config).value(), 0xff0U);
}

TEST(NvidiaDvsec, IsZeroWhereThereIsNone) {
  FakeConfigSpace config;
  EXPECT_EQ(find_nvidia_dvsec(config).value(), 0U);
  config.add(0x100, 0x01, 0x148);
  config.add(0x148, 0x0d, 0);
  EXPECT_EQ(find_nvidia_dvsec(config).value(), 0U);
}

TEST(NvidiaDvsec, IsZeroOnADeviceThatReadsAllOnes) {
  FakeConfigSpace config;
  config.words[0x100] = 0xffffffff;
  EXPECT_EQ(find_nvidia_dvsec(config).value(), 0U);
}

TEST(NvidiaDvsec, AListThatLoopsComesToAnEnd) {
  FakeConfigSpace config;
  config.add(0x100, 0x01, 0x148);
  config.add(0x148, 0x0d, 0x100);
  EXPECT_EQ(find_nvidia_dvsec(config).value(), 0U);
  EXPECT_LE(config.reads, 1000U);
}

TEST(NvidiaDvsec, AListThatPointsIntoTheHeaderComesToAnEnd) {
  FakeConfigSpace config;
  config.add(0x100, 0x01, 0x40);
  config.words[0x40] = 0x00010001;
  EXPECT_EQ(find_nvidia_dvsec(config).value(), 0U);
  EXPECT_EQ(config.reads, 1U);
}

TEST(NvidiaDvsec, ACapabilityAtTheVeryEndReadsNothingBeyondIt) {
  FakeConfigSpace config;
  config.add(0x100, 0x01, 0xffc);
  config.add(0xffc, 0x23, 0);
  EXPECT_EQ(find_nvidia_dvsec(config).value(), 0U);
}

TEST(NvidiaDvsec, AReadThatFailsIsAnError) {
  FakeConfigSpace config;
  config.add(0x100, 0x01, 0x148);
  config.add_dvsec(0x148, 0x10de, 0, 0);
  for (const std::uint32_t offset : {0x100U, 0x148U, 0x14cU, 0x150U}) {
    config.fails_at = offset;
    EXPECT_FALSE(find_nvidia_dvsec(config)) << std::hex << offset;
  }
}

class Bar0 : public testing::Test {
 protected:
  bool is_at(std::uint64_t expected) { return check_bar0(config, gpu, expected).has_value(); }
  void set(std::uint32_t low, std::uint32_t high) {
    config.words[0x10] = low;
    config.words[0x14] = high;
  }
  static constexpr PciAddress gpu{0, 0x65, 0, 0};
  FakeConfigSpace config;
};

TEST_F(Bar0, IsWhereTheKernelHasIt) {
  set(0x8000000c, 0x38);
  EXPECT_TRUE(is_at(0x38'8000'0000));
  set(0x0000000c, 0x38);
  EXPECT_TRUE(is_at(0x38'0000'0000)) << "the lower half alone says nothing";
  set(0xf0000000, 0x38);
  EXPECT_TRUE(is_at(0xf000'0000)) << "of 32 bits: what follows is another BAR";
}

TEST_F(Bar0, ThatWasLostIsAnErrorThatSaysWhatHelps) {
  set(0xc, 0);
  const auto lost = check_bar0(config, gpu, 0x38'0000'0000);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().kind, ErrorKind::hardware_failed);
  EXPECT_NE(lost.error().cause.find("BAR0 is at 0x0 and the kernel has it at 0x3800000000"),
            std::string::npos)
      << lost.error().cause;
  EXPECT_NE(lost.error().advice.find("echo 1 > /sys/bus/pci/devices/0000:65:00.0/remove"), std::string::npos);
  set(0, 0);
  EXPECT_FALSE(is_at(0xf000'0000));
}

// Elsewhere the host bridge may translate.
TEST_F(Bar0, AtAnotherAddressIsLostWhereAddressesAreNotTranslated) {
#if defined(__x86_64__)
  constexpr bool tolerated = false;
#else
  constexpr bool tolerated = true;
#endif
  set(0x8000000c, 0);
  EXPECT_EQ(is_at(0x38'8000'0000), tolerated);
  set(0xe0000000, 0);
  EXPECT_EQ(is_at(0xf000'0000), tolerated);
}

TEST_F(Bar0, OfADeviceThatDoesNotAnswerIsNotLost) {
  set(0xffffffff, 0xffffffff);  // as in D3cold
  EXPECT_TRUE(is_at(0xf000'0000));
  set(0x8000000c, 0xffffffff);  // since a moment ago
  EXPECT_TRUE(is_at(0x38'8000'0000));
}

TEST_F(Bar0, ThatCannotBeReadOrIsNoMemoryIsNotLost) {
  for (const std::uint32_t offset : {0x10U, 0x14U}) {
    set(0xc, 0);
    config.fails_at = offset;
    EXPECT_TRUE(is_at(0x38'0000'0000)) << std::hex << offset;
  }
  config.fails_at.reset();
  set(0xe001, 0);
  EXPECT_TRUE(is_at(0xf000'0000));
}

}  // namespace
}  // namespace nvccd
