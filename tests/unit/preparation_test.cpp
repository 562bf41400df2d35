// What is done to devices before the daemon runs, by udev and by the unit.
#include "daemon/preparation.h"

#include <gtest/gtest.h>

#include "host_tree.h"

namespace nvccd {
namespace {

constexpr PciAddress gpu{0, 0x65, 0, 0};

class Preparation : public testing::Test {
 protected:
  void SetUp() override {
    host.add_device(gpu, "0x10de", "0x2330", "0x030200");
    host.add_driver("vfio-pci");
    settings.vfio.driver = "vfio-pci";
  }
  std::string override_after_preparing() {
    EXPECT_TRUE(prepare_devices(host.paths(), settings).empty());
    return host.read(host.paths().device(gpu) / "driver_override");
  }
  std::optional<std::string> chosen() { return choose_driver(host.paths(), gpu, settings).value(); }
  void exclude() { settings.devices.push_back({.match = {.address = gpu}, .managed = false}); }

  test::HostTree host;
  Settings settings;
};

TEST_F(Preparation, AManagedDeviceGetsItsDriver) {
  EXPECT_EQ(chosen(), "vfio-pci");
  EXPECT_EQ(override_after_preparing(), "vfio-pci");
}

TEST_F(Preparation, AnExcludedDeviceIsLeftAlone) {
  exclude();
  EXPECT_EQ(chosen(), std::nullopt);
  EXPECT_EQ(override_after_preparing(), "");
}

TEST_F(Preparation, WithoutBindingNothingIsDone) {
  settings.vfio.bind = false;
  EXPECT_EQ(chosen(), std::nullopt);
  EXPECT_EQ(override_after_preparing(), "");
}

TEST_F(Preparation, ADeviceOfNouveauIsPrepared) {
  host.bind(gpu, "nouveau");
  EXPECT_EQ(override_after_preparing(), "vfio-pci");
}

TEST_F(Preparation, ADeviceOfAnotherDriverIsLeftAlone) {
  host.bind(gpu, "xen-pciback");
  EXPECT_EQ(override_after_preparing(), "");
}

TEST_F(Preparation, WhatIsNoNvidiaDeviceIsLeftAlone) {
  const PciAddress nic{0, 0x67, 0, 0};
  host.add_device(nic, "0x8086", "0x1521", "0x020000");
  EXPECT_EQ(choose_driver(host.paths(), nic, settings).value(), std::nullopt);
  override_after_preparing();
  EXPECT_EQ(host.read(host.paths().device(nic) / "driver_override"), "");
}

class Mask : public testing::TestWithParam<const char*> {};

TEST_P(Mask, IsSeen) {
  const test::TemporaryDirectory root;
  EXPECT_FALSE(service_is_masked(root.path()));
  const auto unit = root.path() / GetParam() / "nvccd.service";
  std::filesystem::create_directories(unit.parent_path());
  std::filesystem::create_symlink("/dev/null", unit);
  EXPECT_TRUE(service_is_masked(root.path()));
}

TEST_P(Mask, AUnitOfTheAdministratorsIsNone) {
  const test::TemporaryDirectory root;
  const auto unit = root.path() / GetParam() / "nvccd.service";
  std::filesystem::create_directories(unit.parent_path());
  std::filesystem::create_symlink("/usr/local/lib/nvccd.service", unit);
  EXPECT_FALSE(service_is_masked(root.path()));
}

INSTANTIATE_TEST_SUITE_P(Directories, Mask,
                         testing::Values("etc/systemd/system", "run/systemd/system",
                                         "run/systemd/generator.early"));

}  // namespace
}  // namespace nvccd
