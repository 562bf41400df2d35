// Configuration space as a PCI host and NVIDIA's tool meet it.
#include <gtest/gtest.h>

#include <set>

#include "host.h"

namespace emulator {
namespace {

class Config : public testing::TestWithParam<Model> {
 protected:
  bool is_blackwell() const { return GetParam() != Model::gh100 && GetParam() != Model::ls10; }
  bool is_switch() const { return GetParam() == Model::ls10; }
  void write(std::uint32_t offset, unsigned width, std::uint32_t value) {
    host.device->config_write(offset, width, value);
  }
  Host host{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Models, Config,
                         testing::Values(Model::gh100, Model::gb100, Model::gb102, Model::gb202, Model::ls10),
                         [](const auto& tested) { return model_name(tested.param); });

TEST_P(Config, IdentifiesTheDevice) {
  const std::map<Model, std::uint32_t> ids = {{Model::gh100, 0x2330},
                                              {Model::gb100, 0x2901},
                                              {Model::gb102, 0x29BC},
                                              {Model::gb202, 0x2BB5},
                                              {Model::ls10, 0x22A3}};
  EXPECT_EQ(host.config(0x00, 2), 0x10DEU);
  EXPECT_EQ(host.config(0x02, 2), ids.at(GetParam()));
  EXPECT_EQ(host.config(0x08) >> 8U, is_switch() ? 0x068000U : 0x030200U);
  EXPECT_EQ(host.config(0x0E, 1), 0U);
  EXPECT_EQ(host.config(0x2C, 2), 0x10DEU);
  EXPECT_EQ(host.config(0x3D, 1), 1U) << "INTA";
  EXPECT_NE(host.config(0xF0, 2), 0xFFFFU);
  EXPECT_NE(host.config(0x06, 2) & 0x10U, 0U) << "has a capability list";
}

TEST_P(Config, CapabilitiesAreWhereTheyShouldBe) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> found;
  for (std::uint32_t at = host.config(0x34, 1); at != 0 && found.size() < 48; at = host.config(at + 1, 1)) {
    found.emplace_back(at, host.config(at, 1));
  }
  EXPECT_EQ(found,
            (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{0x40, 0x01}, {0x48, 0x05}, {0x60, 0x10}}));
  EXPECT_EQ(host.config(0x62, 2) & 0xF0U, 0U) << "an endpoint";
  EXPECT_NE(host.config(0x64) & 1U << 28U, 0U) << "can do a function-level reset";
}

TEST_P(Config, ExtendedCapabilitiesEndAndHoldTheFirewallOnBlackwellOnly) {
  std::map<std::uint32_t, std::uint32_t> found;  // id to offset
  for (std::uint32_t at = 0x100; at != 0 && found.size() < 20; at = host.config(at) >> 20U & ~3U) {
    found[host.config(at) & 0xFFFF] = at;
  }
  EXPECT_TRUE(found.contains(0x01));
  EXPECT_EQ(found.contains(0x23), is_blackwell());
  if (!is_blackwell()) return;
  const std::uint32_t dvsec = found.at(0x23);
  EXPECT_EQ(host.config(dvsec + 4, 2), 0x10DEU);
  EXPECT_GE(host.config(dvsec + 4) >> 20U, 0x18U) << "long enough for the fault word";
  EXPECT_EQ(host.config(dvsec + 8, 2), 0U);
  EXPECT_EQ(host.config(dvsec + 8) & 1U << 20U, 0U) << "open";
}

TEST_P(Config, BarsAreSizedByWritingAllOnes) {
  const auto size_of = [this](std::uint32_t bar) {
    write(bar, 4, kAllOnes);
    write(bar + 4, 4, kAllOnes);
    EXPECT_EQ(host.config(bar) & 0xFU, 0xCU) << "64 bits, prefetchable";
    const std::uint64_t mask =
        (static_cast<std::uint64_t>(host.config(bar + 4)) << 32U) | (host.config(bar) & ~0xFU);
    return ~mask + 1;
  };
  EXPECT_EQ(size_of(0x10), is_switch() ? 32U << 20U : 16U << 20U);
  EXPECT_EQ(host.device->bar(0).size, is_switch() ? 32U << 20U : 16U << 20U);
  if (is_switch()) {
    write(0x18, 4, kAllOnes);
    EXPECT_EQ(host.config(0x18), 0U);
    EXPECT_EQ(host.device->bar(2).size, 0U);
  } else {
    EXPECT_EQ(size_of(0x18), 64U << 20U);
    EXPECT_EQ(host.device->bar(2).size, 64U << 20U);
  }
  for (const std::uint32_t offset : {0x20U, 0x24U, 0x30U}) {
    write(offset, 4, kAllOnes);
    EXPECT_EQ(host.config(offset), 0U);
  }
  EXPECT_EQ(host.device->bar(1).size, 0U);
}

TEST_P(Config, AssignedAddressesStay) {
  write(0x10, 4, 0xA2000000);
  write(0x14, 4, 0x00000038);
  EXPECT_EQ(host.config(0x10), 0xA200000CU);
  EXPECT_EQ(host.config(0x14), 0x38U);
}

TEST_P(Config, NarrowAccessesTouchOnlyTheirBytes) {
  write(0x05, 1, 0x04);
  EXPECT_EQ(host.config(0x04, 2), 0x0402U);
  write(0x3C, 1, 0x0B);
  EXPECT_EQ(host.config(0x3C, 2), 0x010BU);
  write(0x00, 4, 0);
  EXPECT_EQ(host.config(0x00, 2), 0x10DEU) << "ids are read-only";
}

TEST_P(Config, RegistersAreOutOfReachWithoutMemoryDecoding) {
  write(0x04, 2, 0);
  EXPECT_EQ(host.read(0), kAllOnes);
  host.send(write_request(8, 1));
  EXPECT_EQ(host.device->knob(8), 0);
  EXPECT_EQ(host.device->counters().protocol_errors, 0U) << "the writes reached nobody";
  host.enable_memory();
  EXPECT_EQ(host.write_knob(8, 1), "ok");
}

TEST_P(Config, RegistersAreOutOfReachInD3hot) {
  write(0x44, 2, 0x3);
  EXPECT_EQ(host.config(0x44, 2) & 0x3U, 0x3U);
  EXPECT_EQ(host.read(0), kAllOnes);
  host.send(write_request(8, 1));
  EXPECT_EQ(host.device->knob(8), 0);
  EXPECT_EQ(host.config(0, 2), 0x10DEU) << "configuration space still answers";
  write(0x44, 2, 0x0);
  EXPECT_EQ(host.write_knob(8, 1), "ok");
  EXPECT_EQ(host.config(0x04, 2), 0x2U) << "power states lose nothing";
}

TEST_P(Config, PowerStatesItDoesNotHaveAreIgnored) {
  write(0x44, 2, 0x1);
  EXPECT_EQ(host.config(0x44, 2) & 0x3U, 0U);
  write(0x44, 2, 0x3);
  write(0x44, 2, 0x2);
  EXPECT_EQ(host.config(0x44, 2) & 0x3U, 0x3U);
}

TEST_P(Config, FunctionLevelResetByTheCapability) {
  write(0x10, 4, 0xA2000000);
  write(0x44, 2, 0x3);
  write(0x4A, 2, 0x1);  // MSI on
  const std::uint32_t control = host.config(0x68);
  write(0x68, 4, control | 1U << 15U);  // the tool writes the whole dword
  EXPECT_EQ(host.device->counters().function_level_resets, 1U);
  EXPECT_EQ(host.last_event("reset").details.at("kind"), "flr");
  EXPECT_EQ(host.config(0x68) & 1U << 15U, 0U) << "the bit reads 0";
  EXPECT_EQ(host.config(0x04, 2), 0U);
  EXPECT_EQ(host.config(0x10), 0xCU);
  EXPECT_EQ(host.config(0x44, 2) & 0x3U, 0U) << "back in D0";
  EXPECT_EQ(host.config(0x4A, 2) & 1U, 0U);
  write(0x68, 2, 0x2810 | 0x8000);  // the kernel writes 16 bits
  EXPECT_EQ(host.device->counters().function_level_resets, 2U);
  write(0x68, 2, 0x2810);
  EXPECT_EQ(host.device->counters().function_level_resets, 2U);
}

TEST_P(Config, WhatIsReadOnlyStaysAndWhatIsNotThereReadsZero) {
  write(0x04, 2, 0xFFFF);
  EXPECT_EQ(host.config(0x04, 2), 0x0546U) << "no I/O, no special cycles";
  write(0x44, 4, 0xFFFFFFFC);
  EXPECT_EQ(host.config(0x44), 0x8U) << "moving from D3hot to D0 is no reset";
  write(0x6A, 2, 0xFFFF);
  EXPECT_EQ(host.config(0x6A, 2), 0U);
  write(0x114, 4, 0);
  EXPECT_EQ(host.config(0x114), 0x80000001U) << "channel 0 and class 0 are fixed";
}

TEST_P(Config, FunctionLevelResetKeepsWhatBelongsToTheLink) {
  write(0x68, 2, 0x2830);  // 256-byte payload
  write(0x70, 2, 0x0040);  // common clock
  write(0x114, 4, 0x80000003);
  host.device->reset(ResetKind::function_level);
  EXPECT_EQ(host.config(0x68, 2), 0x2830U);
  EXPECT_EQ(host.config(0x70, 2), 0x0040U);
  EXPECT_EQ(host.config(0x114), 0x80000003U);
  host.device->reset(ResetKind::bus);
  EXPECT_EQ(host.config(0x68, 2), 0x2810U);
  EXPECT_EQ(host.config(0x70, 2), 0U);
  EXPECT_EQ(host.config(0x114), 0x800000FFU);
}

TEST_P(Config, ErrorMasksAreStickyUntilThePowerGoes) {
  write(0x428, 4, 0x00100000);
  host.device->reset(ResetKind::function_level);
  host.device->reset(ResetKind::bus);
  EXPECT_EQ(host.config(0x428), 0x00100000U);
  host.device->reset(ResetKind::power);
  EXPECT_EQ(host.config(0x428), 0U);
}

TEST_P(Config, EveryAttemptOnTheRegistersIsCounted) {
  host.read(0);
  host.write(0, 0);
  write(0x04, 2, 0);
  host.read(0);
  host.device->bar_read(2, 0);
  EXPECT_EQ(host.device->counters().register_accesses, 3U);
}

TEST_P(Config, TheDwordsTheToolRestoresAreTolerated) {
  std::map<std::uint32_t, std::uint32_t> saved;
  for (const std::uint32_t offset : {0x04U, 0x10U, 0x14U, 0x18U, 0x1CU, 0x20U, 0x24U, 0x114U}) {
    saved[offset] = host.config(offset);
  }
  host.device->reset(ResetKind::bus);
  for (const auto& [offset, value] : saved)
    write(offset, 4, value);
  for (const auto& [offset, value] : saved)
    EXPECT_EQ(host.config(offset), value) << offset;
  EXPECT_NE(host.read(0), kAllOnes);
}

TEST_P(Config, OnlyARealBusAccessGetsAnAnswer) {
  EXPECT_EQ(host.config(0x1000), kAllOnes);
  EXPECT_EQ(host.config(0x01, 2), 0xFFFFU);
  EXPECT_EQ(host.device->bar_read(0, 0x2), kAllOnes);
  EXPECT_EQ(host.device->bar_read(0, host.device->bar(0).size), kAllOnes);
  EXPECT_EQ(host.device->bar_read(1, 0), kAllOnes);
  EXPECT_EQ(host.device->bar_read(9, 0), kAllOnes);
  write(0x1000, 4, 0);
  host.device->bar_write(9, 0, 0);
}

TEST(ConfigOptions, DeviceIdAndSecondBarAreSettings) {
  Host host(Model::gh100, {}, {.bar1_size = 1ULL << 37U, .device_id = 0x233B});
  EXPECT_EQ(host.config(0x02, 2), 0x233BU);
  EXPECT_EQ(host.device->bar(2).size, 1ULL << 37U);
  host.device->config_write(0x18, 4, kAllOnes);
  host.device->config_write(0x1C, 4, kAllOnes);
  EXPECT_EQ(host.config(0x18), 0xCU);
  EXPECT_EQ(host.config(0x1C), 0xFFFFFFE0U);
  EXPECT_EQ(host.device->bar_read(2, 0), 0U);
}

}  // namespace
}  // namespace emulator
