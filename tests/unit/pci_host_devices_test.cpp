// Taking a device and letting go of it: everything that belongs to it, in the right order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/pci/sysfs_host_devices.h"
#include "host_tree.h"

namespace nvccd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr PciAddress gpu{0, 0x65, 0, 0};

class StoppedClock final : public Clock {
 public:
  Duration now() const override { return now_; }
  void sleep(Duration duration) override { now_ += duration; }

 private:
  Duration now_{};
};

class HostDevicesOnFiles : public testing::Test {
 protected:
  void SetUp() override {
    host.add_device(gpu, "0x10de", "0x2330", "0x030200");
    host.bind(gpu, "vfio-pci");
    host.group(65, {gpu});
    host.write(file("config"), std::string(4096, '\0'));
    host.write(file("resource0"), std::string(4096, '\0'));
    host.write(file("reset"), "");
  }
  std::filesystem::path file(const char* name) { return host.paths().device(gpu) / name; }
  std::string power() { return host.read(file("power/control")).substr(0, 2); }
  Error expect_refusal() {
    const auto access = devices.acquire(gpu);
    EXPECT_FALSE(access);
    return access ? Error() : access.error();
  }

  test::HostTree host;
  SysfsHostDevices devices{host.paths(), std::make_shared<StoppedClock>()};
};

TEST_F(HostDevicesOnFiles, ListAndNameWhatIsThere) {
  EXPECT_THAT(devices.list(), ElementsAre(gpu));
  const auto facts = devices.facts(gpu);
  ASSERT_TRUE(facts);
  EXPECT_NE(facts->name, "");
  EXPECT_EQ(facts->driver, "vfio-pci");
}

TEST_F(HostDevicesOnFiles, ATakenDeviceIsAwakeAndHasRegistersConfigurationAndReset) {
  auto access = devices.acquire(gpu);
  ASSERT_TRUE(access) << access.error().message();
  EXPECT_EQ(power(), "on");
  EXPECT_EQ(host.read(file("config"))[4], 2) << "memory space is on";
  ASSERT_TRUE((*access)->registers().write(0, 0x12345678));
  EXPECT_EQ((*access)->registers().read(0).value(), 0x12345678U);
  EXPECT_EQ((*access)->config().read(4).value(), 2U);
  ASSERT_TRUE((*access)->reset());
  EXPECT_EQ(host.read(file("reset")), "1");
  access->reset();
  EXPECT_EQ(power(), "au");
}

TEST_F(HostDevicesOnFiles, ADeviceThatIsNotBoundIsRefusedWithAdvice) {
  host.bind(gpu, "nouveau");
  const auto error = expect_refusal();
  EXPECT_THAT(error.message(), HasSubstr("0000:65:00.0: the device is not bound to a vfio driver"));
  EXPECT_THAT(error.message(), HasSubstr("nvccctl bind"));
  EXPECT_EQ(power(), "au");
}

TEST_F(HostDevicesOnFiles, ADeviceThatIsGoneIsNoSuchDevice) {
  std::filesystem::remove_all(host.paths().device(gpu));
  EXPECT_EQ(expect_refusal().kind, ErrorKind::no_such_device);
}

TEST_F(HostDevicesOnFiles, WhenTheRegistersCannotBeMappedEverythingIsGivenBack) {
  std::filesystem::remove(file("resource0"));
  const auto error = expect_refusal();
  EXPECT_EQ(error.device, gpu);
  EXPECT_THAT(error.message(), HasSubstr("resource0"));
  EXPECT_EQ(power(), "au");
}

TEST_F(HostDevicesOnFiles, WithoutItsGroupsNodeNothingIsTouched) {
  std::filesystem::remove(host.paths().dev + "/vfio/65");
  EXPECT_EQ(expect_refusal().device, gpu);
  EXPECT_EQ(power(), "au");
  EXPECT_EQ(host.read(file("config"))[4], 0);
}

TEST_F(HostDevicesOnFiles, AResetThatTheKernelRefusesIsAnError) {
  auto access = devices.acquire(gpu);
  ASSERT_TRUE(access);
  std::filesystem::remove(file("reset"));
  const auto reset = (*access)->reset();
  ASSERT_FALSE(reset);
  EXPECT_THAT(reset.error().message(), HasSubstr("/reset"));
}

}  // namespace
}  // namespace nvccd
