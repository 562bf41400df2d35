// From the reset to a device that answers, and how a device that does not is told from one that is slow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emulated_access.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;
using emulator::Model;
using testing::HasSubstr;

constexpr emulator::Delays slow_boot{.reset = 100ms, .boot = 2s};

class Boot : public testing::TestWithParam<Model> {
 protected:
  void fault(const char* name, const char* value = "1") {
    ASSERT_TRUE(access.device().set_fault(name, value)) << name;
  }
  // From the moment of a reset.
  Result<> boot(Duration limit = 60s) {
    auto device = access.open();
    if (!device) return std::unexpected(device.error());
    if (auto reset = access.reset(); !reset) return reset;
    start_ = access.clock().now();
    return device->wait_until_booted(limit);
  }
  Duration waited() { return access.clock().now() - start_; }

  test::EmulatedAccess access{GetParam(), slow_boot};
  Duration start_{};
};

std::string name_of(const testing::TestParamInfo<Model>& info) {
  return test::model_name(info.param);
}

INSTANTIATE_TEST_SUITE_P(Models, Boot,
                         testing::Values(Model::gh100, Model::gb100, Model::gb102, Model::gb202, Model::ls10),
                         name_of);

TEST_P(Boot, EndsAsSoonAsTheFirmwareSaysSo) {
  const auto booted = boot();
  ASSERT_TRUE(booted) << booted.error().message();
  EXPECT_TRUE(access.device().booted());
  EXPECT_GE(waited(), 2s);
  EXPECT_LT(waited(), 2s + 10ms);
  EXPECT_THAT(access.protocol_errors(), testing::IsEmpty());
}

TEST_P(Boot, WaitsThroughBusErrorsAndAllOnes) {
  for (const char* pattern : {"1", "0xffffffff", "0xbadf5108"}) {
    fault("bad-reads-during-boot", pattern);
    const auto booted = boot();
    EXPECT_TRUE(booted) << pattern << ": " << booted.error().message();
    access.device().clear_faults();
  }
}

TEST_P(Boot, ThatNeverEndsIsAnErrorAtTheLimitThatShowsTheRegister) {
  fault("boot-never");
  const auto booted = boot(30s);
  ASSERT_FALSE(booted);
  EXPECT_EQ(booted.error().kind, ErrorKind::hardware_failed);
  EXPECT_THAT(booted.error().message(), HasSubstr("the firmware did not boot within 30 s (boot register 0x"));
  EXPECT_THAT(booted.error().message(), HasSubstr("reads 0x00000000"));
  EXPECT_THAT(booted.error().message(), HasSubstr("power-cycle"));
  EXPECT_GE(waited(), 30s);
  EXPECT_LT(waited(), 31s);
}

TEST_P(Boot, OfADeviceThatReadsAllOnesIsAnErrorThatSaysSo) {
  auto device = access.open();
  ASSERT_TRUE(device);
  fault("bar0-all-ones");
  const auto booted = device->wait_until_booted(10s);
  ASSERT_FALSE(booted);
  EXPECT_THAT(booted.error().message(), HasSubstr("every register reads 0xffffffff after 10 s"));
}

TEST_P(Boot, OfADeviceThatVanishedIsAnErrorAtTheLimit) {
  auto device = access.open();
  ASSERT_TRUE(device);
  fault("vanish");
  EXPECT_FALSE(device->wait_until_booted(10s));
}

TEST_P(Boot, ThatEndsInRecoveryModeIsAnErrorSoonNotAtTheLimit) {
  fault("recovery");
  auto device = access.open();
  ASSERT_FALSE(device);
  EXPECT_THAT(device.error().message(), HasSubstr("the device is in recovery mode"));
  EXPECT_LT(access.clock().now(), 2s);
}

// The device's clock, with which the recovery flag comes and goes: set at first, it changes at each of the
// times.
class FlickeringClock final : public Clock {
 public:
  FlickeringClock(test::EmulatedAccess& access, std::vector<Duration> changes)
      : access_(access), changes_(std::move(changes)) {
    sleep(0s);
  }
  Duration now() const override { return access_.clock().now(); }
  void sleep(Duration duration) override {
    access_.clock().sleep(duration);
    const auto passed = std::ranges::count_if(changes_, [&](Duration at) { return at <= now(); });
    access_.device().set_fault("recovery", passed % 2 == 0 ? "1" : "");
  }

 private:
  test::EmulatedAccess& access_;
  std::vector<Duration> changes_;
};

TEST_P(Boot, ThroughARecoveryFlagThatComesAndGoesIsABoot) {
  ASSERT_TRUE(access.reset());
  const auto start = access.clock().now();
  FlickeringClock clock(access, {start + 600ms, start + 1200ms, start + 1800ms});
  const auto kind = GetParam() == Model::ls10 ? DeviceKind::nvswitch : DeviceKind::gpu;
  const auto device_id = static_cast<std::uint16_t>(access.device().config_read(2, 2));
  const auto device = ConfidentialDevice::open(kind, device_id, access, clock, 60s);
  EXPECT_TRUE(device) << device.error().message();
}

TEST_P(Boot, OfALockedDeviceIsASecurityFaultAtOnce) {
  fault("security-fault", "0x123");
  auto device = access.open();
  ASSERT_FALSE(device);
  EXPECT_THAT(device.error().message(), HasSubstr("security fault (chip id register 0xbadf0200)"));
  EXPECT_EQ(access.clock().now(), 0s);
}

class HopperBoot : public Boot {};
INSTANTIATE_TEST_SUITE_P(Models, HopperBoot, testing::Values(Model::gh100), name_of);

TEST_P(HopperBoot, WithAChipIdOfZeroIsRecoveryMode) {
  fault("chip-id-zero");
  auto device = access.open();
  ASSERT_FALSE(device);
  EXPECT_THAT(device.error().message(), HasSubstr("recovery mode"));
}

class BlackwellBoot : public Boot {};
INSTANTIATE_TEST_SUITE_P(Models, BlackwellBoot, testing::Values(Model::gb100, Model::gb202), name_of);

TEST_P(BlackwellBoot, WaitsUntilTheFirewallInFrontOfTheRegistersOpens) {
  fault("firewall-delay", "4000");
  const auto booted = boot();
  ASSERT_TRUE(booted) << booted.error().message();
  EXPECT_GE(waited(), 3900ms);
  EXPECT_LT(waited(), 4100ms);
}

TEST_P(BlackwellBoot, BehindAFirewallThatStaysClosedIsAnErrorThatSaysSo) {
  fault("firewall-stuck");
  const auto device = access.open(20s);
  ASSERT_FALSE(device);
  EXPECT_THAT(device.error().message(), HasSubstr("the firewall in front of BAR0 did not open"));
  EXPECT_GE(access.clock().now(), 20s);
  EXPECT_LT(access.clock().now(), 21s);
}

TEST_P(BlackwellBoot, WithAChipIdOfZeroIsNoRecoveryMode) {
  fault("chip-id-zero");
  EXPECT_TRUE(access.open());
}

class SwitchBoot : public Boot {};
INSTANTIATE_TEST_SUITE_P(Models, SwitchBoot, testing::Values(Model::ls10), name_of);

TEST_P(SwitchBoot, OfAnotherGenerationIsNotSupported) {
  fault("chip-id-zero");
  const auto device = access.open();
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error().kind, ErrorKind::not_supported);
  EXPECT_THAT(device.error().message(), HasSubstr("this switch (chip id 0x00000000) has no Protected PCIe"));
}

TEST_P(SwitchBoot, WaitsForTheChipIdThatTellsWhatTheSwitchIs) {
  access.device().set_delays({.reset = 0s, .boot = 2s});
  fault("bad-reads-during-boot");
  ASSERT_TRUE(access.reset());
  EXPECT_TRUE(access.open(10s));
}

TEST(OtherGpus, AreNotSupportedAndTheMessageSaysHowToExcludeThem) {
  test::EmulatedAccess access(Model::gh100);
  const auto device = ConfidentialDevice::open(DeviceKind::gpu, 0x20b5, access, access.clock(), 60s);
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error().kind, ErrorKind::not_supported);
  EXPECT_THAT(device.error().message(), HasSubstr("managed = false"));
}

}  // namespace
}  // namespace nvccd
