// Unbinding: only from nobody. A plain file is free for everybody, so that a group in use is refused by the
// kernel is for the lab; here the taking of the group fails in other ways, each of which must not pass for
// free.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/pci/sysfs_host_devices.h"
#include "host_tree.h"

namespace nvccd {
namespace {

using testing::HasSubstr;

constexpr PciAddress gpu{0, 0x65, 0, 0};
constexpr PciAddress audio{0, 0x65, 0, 1};

class Unbinding : public testing::Test {
 protected:
  void SetUp() override {
    host.add_device(gpu, "0x10de", "0x2330", "0x030200");
    host.add_device(audio, "0x10de", "0x22ba", "0x040300");
    host.bind(gpu, "vfio-pci");
    host.bind(audio, "vfio-pci");
    host.group(65, {gpu, audio});
  }
  std::string unbound() { return host.read(host.paths().driver("vfio-pci") / "unbind"); }
  void expect_refusal(const char* text) {
    const auto result = devices.unbind(gpu);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().device, gpu);
    EXPECT_EQ(result.error().kind, ErrorKind::system);
    EXPECT_THAT(result.error().message(), HasSubstr("it cannot be proven that nobody uses the device"));
    EXPECT_THAT(result.error().message(), HasSubstr(text));
    EXPECT_EQ(unbound(), "");
    for (const auto& function : {gpu, audio})
      EXPECT_EQ(host.read(host.paths().device(function) / "driver_override"), "");
  }

  test::HostTree host;
  SysfsHostDevices devices{host.paths(), std::make_shared<SteadyClock>()};
};

TEST_F(Unbinding, OfADeviceThatNobodyHasTakesItsCompanionsAlong) {
  ASSERT_TRUE(devices.unbind(gpu));
  EXPECT_EQ(unbound(), "0000:65:00.1");
  EXPECT_EQ(host.read(host.paths().device(gpu) / "driver_override"), "\n");
}

TEST_F(Unbinding, WithoutTheGroupsNodeIsRefused) {
  std::filesystem::remove(host.paths().dev + "/vfio/65");
  expect_refusal("/vfio/65: No such file");
}

TEST_F(Unbinding, OnAKernelWithDeviceNodesOnlyIsRefusedAndSaysWhy) {
  std::filesystem::remove(host.paths().dev + "/vfio/65");
  host.write(host.paths().device(gpu) / "vfio-dev/vfio3/dev", "");
  host.write(host.paths().dev + "/vfio/devices/vfio3", "");
  expect_refusal("no VFIO groups (CONFIG_VFIO_GROUP), and");
}

TEST_F(Unbinding, WithDevVfioOutOfSightIsRefused) {
  std::filesystem::remove_all(host.paths().dev + "/vfio");
  expect_refusal("No such file");
}

TEST_F(Unbinding, WithANodeThatCannotBeOpenedIsRefusedWhateverTheReason) {
  const auto node = host.paths().dev + "/vfio/65";
  host.link(node, node);
  expect_refusal("Too many levels of symbolic links");
}

TEST_F(Unbinding, OfADeviceWithoutAnIommuHoldsTheGroupOfThatMode) {
  std::filesystem::rename(host.paths().dev + "/vfio/65", host.paths().dev + "/vfio/noiommu-65");
  EXPECT_TRUE(devices.unbind(gpu));
  EXPECT_EQ(unbound(), "0000:65:00.1");
}

TEST_F(Unbinding, OfADeviceThatVfioDoesNotHaveNeedsNoGroup) {
  host.bind(gpu, "nouveau");
  host.bind(audio, "snd_hda_intel");
  std::filesystem::remove(host.paths().dev + "/vfio/65");
  EXPECT_TRUE(devices.unbind(gpu));
  EXPECT_EQ(unbound(), "");
}

TEST_F(Unbinding, OfCompanionsThatWereLeftBehindNeedsTheGroupToo) {
  host.bind(gpu, "nouveau");
  std::filesystem::remove(host.paths().dev + "/vfio/65");
  expect_refusal("/vfio/65");
}

}  // namespace
}  // namespace nvccd
