// A device that was taken proves what it still is. Whatever changed, nothing is touched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/pci/sysfs_host_devices.h"
#include "host_tree.h"

namespace nvccd {
namespace {

using testing::HasSubstr;

constexpr PciAddress gpu{0, 0x65, 0, 0};
constexpr PciAddress audio{0, 0x65, 0, 1};
constexpr PciAddress other_gpu{0, 0x66, 0, 0};
constexpr PciAddress nic{0, 0x67, 0, 0};

class Hold : public testing::Test {
 protected:
  void SetUp() override {
    plug(gpu);
    host.add_device(audio, "0x10de", "0x22ba", "0x040300");
    host.bind(audio, "vfio-pci");
    plug(other_gpu);
    host.add_device(nic, "0x8086", "0x1521", "0x020000");
    host.group(65, {gpu, audio, other_gpu});
  }
  void plug(const PciAddress& address) {
    host.add_device(address, "0x10de", "0x2330", "0x030200");
    host.bind(address, "vfio-pci");
    host.write(file(address, "config"), identity() + std::string(4092, '\0'));
    host.write(file(address, "resource0"), std::string(4096, '\0'));
    host.write(file(address, "reset"), "");
  }
  static std::string identity() { return "\xde\x10\x30\x23"; }
  std::filesystem::path file(const PciAddress& address, const char* name) {
    return host.paths().device(address) / name;
  }
  std::filesystem::path node() const { return host.paths().dev + "/vfio/65"; }
  // A removed directory lives on as long as somebody has it open, in sysfs as here.
  void pull_out() { std::filesystem::remove_all(host.paths().device(gpu)); }

  void take() {
    auto taken = devices.acquire(gpu);
    ASSERT_TRUE(taken) << taken.error().message();
    access = *std::move(taken);
    const auto proved = access->prove();
    ASSERT_TRUE(proved) << proved.error().message();
  }
  void expect(ErrorKind kind, const char* text) {
    const auto proved = access->prove();
    ASSERT_FALSE(proved);
    EXPECT_EQ(proved.error().kind, kind) << proved.error().message();
    EXPECT_THAT(proved.error().message(), HasSubstr(text));
    EXPECT_EQ(proved.error().device, gpu);
    EXPECT_EQ(host.read(file(gpu, "reset")), "");
  }

  test::HostTree host;
  SysfsHostDevices devices{host.paths(), std::make_shared<SteadyClock>()};
  std::unique_ptr<DeviceAccess> access;
};

TEST_F(Hold, OfAnUnchangedDeviceProvesItAgainAndAgain) {
  take();
  EXPECT_TRUE(access->prove());
  ASSERT_TRUE(access->reset());
  EXPECT_TRUE(access->prove());
}

TEST_F(Hold, OfADeviceThatWasRemovedSaysSo) {
  take();
  pull_out();
  expect(ErrorKind::no_such_device, "the device was removed");
  EXPECT_FALSE(access->reset());
}

TEST_F(Hold, OfACardThatWasReplacedDoesNotReachTheNewOne) {
  take();
  pull_out();
  plug(gpu);
  host.group(65, {gpu, audio, other_gpu});
  expect(ErrorKind::no_such_device, "another one is at its address");
  EXPECT_FALSE(access->reset());
  EXPECT_EQ(host.read(file(gpu, "reset")), "");
  access.reset();
  EXPECT_EQ(host.read(file(gpu, "power/control")), "auto\n") << "the new one's power is its own";
}

TEST_F(Hold, OfADeviceWhoseDriverWasTakenAwaySaysWhoHasIt) {
  take();
  host.bind(gpu, "nvidia");
  expect(ErrorKind::system, "the device has driver nvidia instead of driver vfio-pci");
  std::filesystem::remove(file(gpu, "driver"));
  expect(ErrorKind::system, "the device has no driver instead of driver vfio-pci");
  host.bind(gpu, "nvgrace-gpu-vfio-pci");
  expect(ErrorKind::system, "the device has driver nvgrace-gpu-vfio-pci");
}

// The driver went and came back: the device looks the same, but its group is a new one that we do not hold.
TEST_F(Hold, OfAGroupThatWasDissolvedAndMadeAnewIsWorthNothing) {
  take();
  std::filesystem::remove(node());
  expect(ErrorKind::system, "IOMMU group 65 was dissolved");
  host.write(node(), "");
  expect(ErrorKind::system, "IOMMU group 65 was dissolved");
  EXPECT_TRUE(devices.acquire(gpu)) << "who takes it now takes the new one";
}

TEST_F(Hold, OfADeviceThatCameIntoAnotherGroupSaysWhich) {
  take();
  host.group(7, {gpu});
  expect(ErrorKind::system, "IOMMU group 7 instead of 65");
  std::filesystem::remove(file(gpu, "iommu_group"));
  expect(ErrorKind::system, "IOMMU group none instead of 65");
}

TEST_F(Hold, OfAGroupWhoseMembersChangedNamesTheMember) {
  take();
  const auto members = std::filesystem::path(host.paths().sys) / "kernel/iommu_groups/65/devices";
  std::filesystem::remove(members / to_string(other_gpu));
  expect(ErrorKind::system, "0000:66:00.0 left the device's IOMMU group");
  host.group(65, {other_gpu});
  std::filesystem::remove(node());
  host.write(node(), "");
  take();
  host.bind(nic, "vfio-pci");
  host.link(members / to_string(nic), host.paths().device(nic));
  expect(ErrorKind::system, "0000:67:00.0 came into the device's IOMMU group");
}

TEST_F(Hold, OfAGroupOfWhichAMemberLostItsVfioDriverNamesTheMember) {
  take();
  host.bind(other_gpu, "nvidia");
  expect(ErrorKind::system, "0000:66:00.0 of the device's IOMMU group lost driver vfio-pci");
  host.bind(other_gpu, "vfio-pci");
  EXPECT_TRUE(access->prove());
  std::filesystem::remove(file(audio, "driver"));
  expect(ErrorKind::system, "0000:65:00.1 of the device's IOMMU group lost driver vfio-pci");
}

TEST_F(Hold, DoesNotMindAnotherDeviceOfTheGroupThatIsBoundMeanwhile) {
  host.bind(other_gpu, "nouveau");
  take();
  host.bind(other_gpu, "vfio-pci");
  EXPECT_TRUE(access->prove());
}

TEST_F(Hold, OfADeviceWhoseIdleCompanionTheHostTookNamesIt) {
  std::filesystem::remove(file(audio, "driver"));
  take();
  host.bind(audio, "snd_hda_intel");
  expect(ErrorKind::system, "0000:65:00.1, which belongs to driver snd_hda_intel");
}

TEST_F(Hold, OfASlotWithAnotherDeviceInItSaysWhatIsThere) {
  take();
  host.write(file(gpu, "config"), "\xde\x10\x35\x23" + std::string(4092, '\0'));
  expect(ErrorKind::no_such_device, "0x10de 0x2335 instead of 0x10de 0x2330");
}

TEST_F(Hold, OfADeviceThatDoesNotAnswerIsAFailureOfTheHardware) {
  take();
  host.write(file(gpu, "config"), std::string(4096, '\xff'));
  expect(ErrorKind::hardware_failed, "it does not answer");
}

TEST_F(Hold, OfADeviceThatTheKernelCannotResetProvesNothingButReadsAlways) {
  std::filesystem::remove(file(gpu, "reset"));
  auto taken = devices.acquire(gpu);
  ASSERT_TRUE(taken) << "a look needs no reset";
  const auto proved = (*taken)->prove();
  ASSERT_FALSE(proved);
  EXPECT_EQ(proved.error().kind, ErrorKind::not_supported);
  EXPECT_EQ(proved.error().device, gpu);
  EXPECT_THAT(proved.error().message(), HasSubstr("no way to reset the device"));
}

TEST_F(Hold, OfADeviceWhoseResetMethodsSomebodyEmptiedCannotBeResetEither) {
  take();
  host.write(file(gpu, "reset_method"), "flr bus\n");
  EXPECT_TRUE(access->prove());
  host.write(file(gpu, "reset_method"), "\n");
  expect(ErrorKind::not_supported, "no way to reset the device");
}

TEST_F(Hold, IsNotTakenOfADeviceWithAForeignOneInItsGroup) {
  host.group(65, {nic});
  for (const char* driver : {"", "igb"}) {
    if (*driver != '\0') host.bind(nic, driver);
    const auto taken = devices.acquire(gpu);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().device, gpu);
    EXPECT_THAT(taken.error().message(), HasSubstr("also holds 0000:67:00.0, which is no NVIDIA device"));
  }
  EXPECT_EQ(host.read(file(gpu, "power/control")), "auto\n");
  host.bind(nic, "vfio-pci");
  EXPECT_TRUE(devices.acquire(gpu));
}

TEST_F(Hold, IsNotTakenOfADeviceWhoseCompanionTheHostHas) {
  host.bind(audio, "snd_hda_intel");
  const auto taken = devices.acquire(gpu);
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message(), HasSubstr("also holds 0000:65:00.1, which belongs to driver snd_hda"));
}

}  // namespace
}  // namespace nvccd
