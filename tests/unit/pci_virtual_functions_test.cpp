// Devices that are used by parts: whose they are, and that nobody's parts are taken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/host/companions.h"
#include "common/host/device_facts.h"
#include "common/host/virtual_functions.h"
#include "daemon/pci/binding.h"
#include "daemon/pci/sysfs_host_devices.h"
#include "gpu_host.h"

namespace nvccd {
namespace {

using test::audio;
using test::gpu;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr PciAddress function{0, 0x65, 0, 2};
constexpr PciAddress nvswitch{0, 0x70, 0, 0};

class VirtualFunctions : public test::GpuHost {
 protected:
  VirtualFunctions() {
    add_gpu(function);
    test::HostTree::link(host.paths().device(function) / "physfn", host.paths().device(gpu));
    host.group(65, {gpu, audio});
    host.group(66, {function});
    host.add_driver("vfio-pci");
    test::HostTree::write(host.paths().sys + "/module/nvidia/refcnt", "0\n");
  }
  void active(const char* count) { test::HostTree::write(host.paths().device(gpu) / "sriov_numvfs", count); }
  Result<> bind(const PciAddress& address) {
    return bind_to_vfio(host.paths(), address, {.driver = "vfio-pci", .take_over_idle = true});
  }
};

TEST_F(VirtualFunctions, AreNoDevicesAndNoCompanions) {
  EXPECT_THAT(list_devices(host.paths()), ElementsAre(gpu));
  EXPECT_FALSE(find_kind(host.paths(), function));
  const auto facts = read_facts(host.paths(), function);
  ASSERT_FALSE(facts);
  EXPECT_THAT(facts.error().message(), HasSubstr("virtual function"));
  EXPECT_EQ(facts.error().kind, ErrorKind::no_such_device);
  host.group(65, {gpu, audio, function});
  EXPECT_THAT(find_companions(host.paths(), gpu), ElementsAre(audio));
}

TEST_F(VirtualFunctions, KeepTheirPhysicalOneInUse) {
  for (const char* driver : {"nvidia", "nouveau"}) {
    host.bind(gpu, driver);
    test::HostTree::write(host.paths().sys + "/module/" + driver + "/refcnt", "0\n");
    active("2\n");
    const auto refused = bind(gpu);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::device_busy);
    EXPECT_THAT(refused.error().message(), HasSubstr("2 virtual function(s) of it are active"));
    EXPECT_EQ(override_of(gpu), "");
  }
}

TEST_F(VirtualFunctions, KeepADeviceOfVfioFromBeingTakenOrReleased) {
  host.bind(gpu, "vfio-pci");
  active("1\n");
  class NoTime final : public Clock {
    Duration now() const override { return {}; }
    void sleep(Duration) override {}
  };
  SysfsHostDevices devices{host.paths(), std::make_shared<NoTime>()};
  const auto access = devices.acquire(gpu);
  ASSERT_FALSE(access);
  EXPECT_EQ(access.error().kind, ErrorKind::device_busy);
  const auto released = devices.unbind(gpu);
  ASSERT_FALSE(released);
  EXPECT_EQ(released.error().kind, ErrorKind::device_busy);
  EXPECT_EQ(unbound_from("vfio-pci"), "");
}

TEST_F(VirtualFunctions, ThatAreNotActiveKeepNobody) {
  active("0\n");
  EXPECT_EQ(find_parts(host.paths(), gpu), std::nullopt);
}

TEST_F(VirtualFunctions, MediatedDevicesAreParts) {
  const auto type = host.paths().device(gpu) / "mdev_supported_types/nvidia-557/devices";
  std::filesystem::create_directories(type);
  EXPECT_EQ(find_parts(host.paths(), gpu), std::nullopt);
  test::HostTree::link(type / "c73f1fa6-489e-4834-9476-d70dabd98c40", host.paths().device(gpu));
  EXPECT_THAT(find_parts(host.paths(), gpu).value_or(""), HasSubstr("1 vGPU(s)"));
}

// One module, two PCI drivers.
TEST_F(VirtualFunctions, AnIdleSwitchIsTakenFromNvidiasDriver) {
  host.add_device(nvswitch, "0x10de", "0x22a3", "0x068000");
  host.group(70, {nvswitch});
  host.bind(nvswitch, "nvidia-nvswitch");
  test::HostTree::link(host.paths().driver("nvidia-nvswitch") / "module",
                       host.paths().sys + "/module/nvidia");
  test::HostTree::write(host.paths().sys + "/module/nvidia/refcnt", "1\n");
  const auto used = bind(nvswitch);
  ASSERT_FALSE(used);
  EXPECT_EQ(used.error().kind, ErrorKind::device_busy);
  EXPECT_EQ(override_of(nvswitch), "");
  test::HostTree::write(host.paths().sys + "/module/nvidia/refcnt", "0\n");
  (void)bind(nvswitch);  // plain files bind nothing
  EXPECT_EQ(override_of(nvswitch), "vfio-pci");
  EXPECT_EQ(unbound_from("nvidia-nvswitch"), to_string(nvswitch));
}

}  // namespace
}  // namespace nvccd
