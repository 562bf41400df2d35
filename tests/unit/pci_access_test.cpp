// Registers, configuration space and power of a device through its files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "daemon/pci/mapped_window.h"
#include "daemon/pci/power_hold.h"
#include "daemon/pci/sysfs_config_space.h"
#include "host_tree.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr PciAddress gpu{0, 0x65, 0, 0};
constexpr std::uintmax_t bar_size = 0x4000;

class Access : public testing::Test {
 protected:
  void SetUp() override {
    host.add_device(gpu, "0x10de", "0x2330", "0x030200");
    host.write(bar(), "");
    std::filesystem::resize_file(bar(), bar_size);
  }
  std::filesystem::path bar() const { return host.paths().device(gpu) / "resource0"; }
  HeldDirectory directory() const { return HeldDirectory::open(host.paths().device(gpu)).value(); }
  test::HostTree host;
};

class Registers : public Access {
 protected:
  void SetUp() override {
    Access::SetUp();
    install_bus_error_handler();
  }
  void TearDown() override { std::signal(SIGBUS, SIG_DFL); }
};

TEST_F(Registers, AreTheWordsOfTheFile) {
  auto window = MappedWindow::map(host.paths(), gpu);
  ASSERT_TRUE(window) << window.error().message();
  ASSERT_TRUE(window->write(0x10, 0x12345678));
  EXPECT_EQ(window->read(0x10).value(), 0x12345678U);
  EXPECT_EQ(window->read(0x14).value(), 0U);
  EXPECT_EQ(host.read(bar()).substr(0x10, 4), "\x78\x56\x34\x12");
  EXPECT_TRUE(window->read(bar_size - 4));
}

TEST_F(Registers, OutsideTheBarAreAnErrorNotAnAccess) {
  auto window = MappedWindow::map(host.paths(), gpu);
  ASSERT_TRUE(window);
  for (const std::uint32_t offset : {0x4000U, 0x3ffdU, 0x2U, 0xfffffffcU, 0xffffffffU}) {
    EXPECT_FALSE(window->read(offset)) << std::hex << offset;
    EXPECT_FALSE(window->write(offset, 0)) << std::hex << offset;
  }
}

// Cutting the file away under the mapping is what pulling the device out does: the next access raises SIGBUS.
TEST_F(Registers, OfADeviceThatWasPulledOutAreAnErrorAndTheProcessLives) {
  auto window = MappedWindow::map(host.paths(), gpu);
  ASSERT_TRUE(window);
  ASSERT_TRUE(window->read(0));
  std::filesystem::resize_file(bar(), 0);
  const auto value = window->read(0);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().kind, ErrorKind::hardware_failed);
  EXPECT_THAT(value.error().message(), HasSubstr("went away"));
  EXPECT_FALSE(window->write(0, 1));
  EXPECT_FALSE(window->read(4)) << "again and again";
}

TEST_F(Registers, OfOtherDevicesGoOnInOtherThreads) {
  constexpr PciAddress other{0, 0x66, 0, 0};
  host.write(host.paths().device(other) / "resource0", std::string(bar_size, '\0'));
  auto gone = MappedWindow::map(host.paths(), gpu);
  auto alive = MappedWindow::map(host.paths(), other);
  ASSERT_TRUE(gone && alive);
  std::filesystem::resize_file(bar(), 0);
  unsigned failed = 0;
  unsigned succeeded = 0;
  {
    const std::jthread first([&] {
      for (unsigned i = 0; i < 1000; ++i)
        failed += gone->read(0) ? 0U : 1U;
    });
    const std::jthread second([&] {
      for (unsigned i = 0; i < 1000; ++i)
        succeeded += alive->read(0) ? 1U : 0U;
    });
  }
  EXPECT_EQ(failed, 1000U);
  EXPECT_EQ(succeeded, 1000U);
}

using RegistersDeathTest = Registers;

TEST_F(RegistersDeathTest, AnyOtherBusErrorEndsTheProcessAsBefore) {
  EXPECT_EXIT(std::raise(SIGBUS); std::raise(SIGBUS), testing::KilledBySignal(SIGBUS), "");
}

TEST_F(Registers, WithoutABarAreAnErrorThatNamesTheFile) {
  std::filesystem::remove(bar());
  const auto window = MappedWindow::map(host.paths(), gpu);
  ASSERT_FALSE(window);
  EXPECT_THAT(window.error().message(), HasSubstr("resource0: No such file or directory"));
}

TEST_F(Registers, OfAnEmptyBarAreAnError) {
  std::filesystem::resize_file(bar(), 0);
  EXPECT_FALSE(MappedWindow::map(host.paths(), gpu));
}

class ConfigurationSpace : public Access {
 protected:
  void write_config(std::string bytes) {
    bytes.resize(4096, '\0');
    host.write(host.paths().device(gpu) / "config", bytes);
  }
  std::string config() { return host.read(host.paths().device(gpu) / "config"); }
};

TEST_F(ConfigurationSpace, HasItsMemorySpaceSwitchedOnAndNothingElseChanged) {
  write_config(std::string("\xde\x10\x30\x23\x44\x05\x10\x00", 8));
  auto space = SysfsConfigSpace::open(directory());
  ASSERT_TRUE(space) << space.error().message();
  EXPECT_EQ(config().substr(0, 8), std::string("\xde\x10\x30\x23\x46\x05\x10\x00", 8));
  EXPECT_EQ(space->read(0).value(), 0x233010deU);
  EXPECT_EQ(space->read(4092).value(), 0U);
}

TEST_F(ConfigurationSpace, BeyondWhatTheKernelShowsIsAnError) {
  write_config("");
  std::filesystem::resize_file(host.paths().device(gpu) / "config", 256);
  auto space = SysfsConfigSpace::open(directory());
  ASSERT_TRUE(space);
  const auto value = space->read(0x100);
  ASSERT_FALSE(value);
  EXPECT_THAT(value.error().message(), HasSubstr("does not show offset 0x100"));
}

TEST_F(ConfigurationSpace, OfADeviceThatDoesNotAnswerIsAnErrorAndNotWrittenTo) {
  write_config(std::string(64, '\xff'));
  const auto space = SysfsConfigSpace::open(directory());
  ASSERT_FALSE(space);
  EXPECT_THAT(space.error().message(), HasSubstr("reads all ones"));
  EXPECT_EQ(config().substr(0, 64), std::string(64, '\xff'));
}

TEST_F(ConfigurationSpace, ThatIsEmptyIsAnError) {
  host.write(host.paths().device(gpu) / "config", "");
  EXPECT_FALSE(SysfsConfigSpace::open(directory()));
}

// Time in which the device's power state changes after some sleeping.
class WakingClock final : public Clock {
 public:
  WakingClock(std::filesystem::path state, Duration wakes_at)
      : state_(std::move(state)), wakes_at_(wakes_at) {}
  Duration now() const override { return now_; }
  void sleep(Duration duration) override {
    now_ += duration;
    if (now_ >= wakes_at_) test::HostTree::write(state_, "D0\n");
  }

 private:
  std::filesystem::path state_;
  Duration wakes_at_;
  Duration now_{};
};

class Power : public Access {
 protected:
  std::filesystem::path control() const { return host.paths().device(gpu) / "power/control"; }
  std::filesystem::path state() const { return host.paths().device(gpu) / "power_state"; }
};

TEST_F(Power, IsHeldWhileNeededAndThenGivenBackAsItWas) {
  WakingClock clock(state(), 1h);
  {
    const auto hold = PowerHold::take(directory(), clock);
    ASSERT_TRUE(hold);
    EXPECT_EQ(host.read(control()).substr(0, 2), "on");
  }
  EXPECT_EQ(host.read(control()).substr(0, 4), "auto");
  EXPECT_EQ(clock.now(), 0s);
}

TEST_F(Power, ThatWasOnStaysOn) {
  host.write(control(), "on\n");
  WakingClock clock(state(), 1h);
  {
    ASSERT_TRUE(PowerHold::take(directory(), clock));
  }
  EXPECT_EQ(host.read(control()), "on\n");
}

TEST_F(Power, OfASleepingDeviceIsWaitedFor) {
  host.write(state(), "D3hot\n");
  WakingClock clock(state(), 300ms);
  EXPECT_TRUE(PowerHold::take(directory(), clock));
  EXPECT_GE(clock.now(), 300ms);
  EXPECT_LT(clock.now(), 310ms);
}

TEST_F(Power, OfADeviceThatDoesNotWakeUpIsAnErrorAndTheSettingIsGivenBack) {
  host.write(state(), "D3cold\n");
  WakingClock clock(state(), 1h);
  const auto hold = PowerHold::take(directory(), clock);
  ASSERT_FALSE(hold);
  EXPECT_THAT(hold.error().message(), HasSubstr("its power state stays D3cold"));
  EXPECT_EQ(host.read(control()).substr(0, 4), "auto");
  EXPECT_LT(clock.now(), 10s);
}

TEST_F(Power, ThatTheKernelDoesNotTellIsLeftToTheRegisters) {
  host.write(state(), "unknown\n");
  WakingClock clock(state(), 1h);
  EXPECT_TRUE(PowerHold::take(directory(), clock));
}

TEST_F(Power, OfADeviceThatIsGoneIsAnError) {
  WakingClock clock(state(), 1h);
  const auto device = directory();
  std::filesystem::remove_all(device.path());
  EXPECT_FALSE(PowerHold::take(device, clock));
}

TEST_F(Power, OfTheNextDeviceAtTheAddressIsNotTouchedWhenTheHoldEnds) {
  WakingClock clock(state(), 1h);
  {
    const auto hold = PowerHold::take(directory(), clock);
    ASSERT_TRUE(hold);
    std::filesystem::remove_all(host.paths().device(gpu));
    host.write(control(), "on\n");
  }
  EXPECT_EQ(host.read(control()), "on\n");
}

}  // namespace
}  // namespace nvccd
