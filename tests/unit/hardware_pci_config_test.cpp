// The walk through the extended capabilities, on lists that are long, broken or looping.
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

}  // namespace
}  // namespace nvccd
