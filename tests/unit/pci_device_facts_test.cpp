// What is read of a device, and which functions count as devices at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/host/device_facts.h"
#include "common/host/host_confidential.h"
#include "common/host/pci_names.h"
#include "gpu_host.h"

namespace nvccd {
namespace {

using test::audio;
using test::gpu;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr PciAddress nvswitch{0, 0x07, 0, 0};
constexpr PciAddress nic{0, 0x65, 0, 2};

class Facts : public test::GpuHost {
 protected:
  void SetUp() override {
    host.add_device(nvswitch, "0x10de", "0x22a3", "0x068000");
    add_nic(nic);
  }
  DeviceFacts facts_of(const PciAddress& address) {
    const auto facts = read_facts(host.paths(), address);
    EXPECT_TRUE(facts) << facts.error().message();
    return facts.value_or(DeviceFacts());
  }
};

TEST(Classify, TakesGpusAndSwitchesOfNvidiaAndNothingElse) {
  EXPECT_EQ(classify(0x10de, 0x030000), DeviceKind::gpu);
  EXPECT_EQ(classify(0x10de, 0x030200), DeviceKind::gpu);
  EXPECT_EQ(classify(0x10de, 0x068000), DeviceKind::nvswitch);
  for (const std::uint32_t companion : {0x040300U, 0x0c0330U, 0x0c8000U, 0x060400U, 0x030001U, 0x038000U})
    EXPECT_EQ(classify(0x10de, companion), std::nullopt) << std::hex << companion;
  EXPECT_EQ(classify(0x1002, 0x030000), std::nullopt);
}

TEST_F(Facts, ListsDevicesInTheOrderOfTheirAddresses) {
  EXPECT_THAT(list_devices(host.paths()), ElementsAre(nvswitch, gpu));
}

TEST_F(Facts, OfABareDevice) {
  const auto facts = facts_of(gpu);
  EXPECT_EQ(facts.kind, DeviceKind::gpu);
  EXPECT_EQ(facts.vendor_id, 0x10de);
  EXPECT_EQ(facts.device_id, 0x2330);
  EXPECT_EQ(facts.driver, "");
  EXPECT_FALSE(facts.driver_is_vfio);
  EXPECT_EQ(facts.iommu_group, std::nullopt);
  EXPECT_EQ(facts.vfio_group, "");
  EXPECT_EQ(facts.vfio_device, "");
  EXPECT_EQ(facts.numa_node, std::nullopt);
  EXPECT_EQ(facts_of(nvswitch).kind, DeviceKind::nvswitch);
}

TEST_F(Facts, OfABoundDeviceNameItsVfioNodes) {
  host.bind(gpu, "vfio-pci");
  host.group(65, {gpu, audio});
  host.write(host.paths().device(gpu) / "vfio-dev/vfio3/dev", "");
  host.write(host.paths().dev + "/vfio/devices/vfio3", "");
  host.write(host.paths().device(gpu) / "numa_node", "1\n");
  const auto facts = facts_of(gpu);
  EXPECT_EQ(facts.driver, "vfio-pci");
  EXPECT_TRUE(facts.driver_is_vfio);
  EXPECT_EQ(facts.iommu_group, 65);
  EXPECT_EQ(facts.vfio_group, host.paths().dev + "/vfio/65");
  EXPECT_EQ(facts.vfio_device, host.paths().dev + "/vfio/devices/vfio3");
  EXPECT_EQ(facts.numa_node, 1);
}

TEST_F(Facts, ANodeThatIsNotThereIsNotNamed) {
  host.bind(gpu, "vfio-pci");
  host.group(65, {gpu});
  std::filesystem::remove(host.paths().dev + "/vfio/65");
  host.write(host.paths().device(gpu) / "vfio-dev/vfio3/dev", "");
  EXPECT_EQ(facts_of(gpu).vfio_group, "");
  EXPECT_EQ(facts_of(gpu).vfio_device, "");
  EXPECT_EQ(facts_of(gpu).iommu_group, 65);
}

TEST_F(Facts, CompanionsAreBoundWhenAllOfThemHaveAVfioDriver) {
  const PciAddress usb{0, 0x65, 0, 3};
  host.add_device(usb, "0x10de", "0x1ad6", "0x0c0330");
  EXPECT_TRUE(facts_of(gpu).companions_bound) << "it has none without a group";
  host.group(65, {gpu, audio, usb});
  EXPECT_FALSE(facts_of(gpu).companions_bound) << "no driver is not enough: a binding gives them one";
  host.bind(audio, "vfio-pci");
  host.bind(usb, "xhci_hcd");
  EXPECT_FALSE(facts_of(gpu).companions_bound);
  host.bind(usb, "vfio-pci");
  EXPECT_TRUE(facts_of(gpu).companions_bound);
}

TEST_F(Facts, DevicesBridgesAndOtherMakersInTheGroupAreNoCompanions) {
  const PciAddress bridge{0, 0x64, 0, 0};
  host.add_device(bridge, "0x10de", "0x22b8", "0x060400");
  host.bind(bridge, "pcieport");
  host.group(65, {gpu, nvswitch, bridge, nic});
  EXPECT_TRUE(facts_of(gpu).companions_bound);
}

TEST_F(Facts, NameWhatInTheGroupKeepsVmsFromTheDevice) {
  const auto obstacle = [&] {
    const auto found = facts_of(gpu).group_obstacle;
    return found ? found->message() : "";
  };
  EXPECT_EQ(obstacle(), "") << "it is alone";
  host.group(65, {gpu, audio, nvswitch});
  EXPECT_EQ(obstacle(), "") << "who has no driver is not in the way";
  host.bind(audio, "snd_hda_intel");
  EXPECT_THAT(obstacle(), HasSubstr("0000:65:00.1, which belongs to driver snd_hda_intel"));
  host.bind(audio, "vfio-pci");
  host.bind(nvswitch, "nvidia");
  EXPECT_THAT(obstacle(), HasSubstr("which belongs to driver nvidia"));
  host.bind(nvswitch, "vfio-pci");
  EXPECT_EQ(obstacle(), "");
  host.group(65, {nic});
  EXPECT_THAT(obstacle(), HasSubstr("which is no NVIDIA device")) << "it may get a driver any time";
  host.bind(nic, "igb");
  EXPECT_THAT(obstacle(), HasSubstr("which is no NVIDIA device and belongs to driver igb"));
  for (const char* driver : {"vfio-pci", "pci-stub"}) {
    host.bind(nic, driver);
    EXPECT_EQ(obstacle(), "");
  }
}

TEST_F(Facts, ABridgeIsInNobodysWayUnlessItIsOneToAnotherKindOfBusWithADriverOfItsOwn) {
  const PciAddress bridge{0, 0x64, 0, 0};
  host.add_device(bridge, "0x8086", "0x352a", "0x060400");
  host.group(65, {gpu, bridge});
  for (const char* driver : {"pcieport", "shpchp"}) {
    host.bind(bridge, driver);
    EXPECT_FALSE(facts_of(gpu).group_obstacle);
  }
  host.add_device(bridge, "0x8086", "0x7a04", "0x060100");
  host.bind(bridge, "lpc_ich");
  EXPECT_TRUE(facts_of(gpu).group_obstacle);
  std::filesystem::remove(host.paths().device(bridge) / "driver");
  EXPECT_FALSE(facts_of(gpu).group_obstacle);
}

TEST_F(Facts, SayWhereTheKernelHasPutBar0) {
  EXPECT_FALSE(facts_of(gpu).bar0) << "there is no such file";
  const auto bar0 = [&](const char* text) {
    host.write(host.paths().device(gpu) / "resource", text);
    return facts_of(gpu).bar0;
  };
  constexpr auto others = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";
  const auto line = [&](const char* first) { return std::string(first) + "\n" + others; };
  EXPECT_EQ(bar0(line("0x0000003800000000 0x0000003800ffffff 0x000000000014220c").c_str()), 0x38'0000'0000U);
  EXPECT_EQ(bar0(line("0x00000000f0000000 0x00000000f0ffffff 0x0000000000040200").c_str()), 0xf000'0000U);
  for (const char* nowhere : {"", "nonsense\n", "0x00000000f0000000\n", others,
                              "0x0000000000000000 0x0000000000ffffff 0x0000000020040200\n",
                              "0x00000000f0000000 0x00000000f0ffffff 0x0000000020040200\n",
                              "0x000000000000e000 0x000000000000e07f 0x0000000000040101\n"})
    EXPECT_FALSE(bar0(nowhere)) << nowhere;
}

TEST_F(Facts, OfADeviceThatIsNotThereAreNoSuchDevice) {
  const auto facts = read_facts(host.paths(), {0, 0x99, 0, 0});
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().kind, ErrorKind::no_such_device);
  EXPECT_THAT(facts.error().message(), HasSubstr("0000:99:00.0"));
}

TEST_F(Facts, OfACompanionOrAnotherMakersDeviceAreNoSuchDevice) {
  for (const auto& address : {audio, nic}) {
    const auto facts = read_facts(host.paths(), address);
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().kind, ErrorKind::no_such_device);
  }
}

TEST_F(Facts, ADeviceThatGoesAwayWhileItIsReadIsNoSuchDevice) {
  std::filesystem::remove(host.paths().device(gpu) / "class");
  const auto facts = read_facts(host.paths(), gpu);
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().kind, ErrorKind::no_such_device);
}

TEST_F(Facts, VfioDriversAreKnownByTheirNameOrTheirModule) {
  EXPECT_TRUE(is_vfio_driver(host.paths(), "vfio-pci"));
  EXPECT_TRUE(is_vfio_driver(host.paths(), "nvgrace-gpu-vfio-pci"));
  EXPECT_FALSE(is_vfio_driver(host.paths(), "nouveau"));
  EXPECT_FALSE(is_vfio_driver(host.paths(), ""));
  host.link(host.paths().driver("special") / "module", host.paths().sys + "/module/special_vfio_pci");
  EXPECT_TRUE(is_vfio_driver(host.paths(), "special"));
}

TEST(DeviceNames, ComeFromTheDatabaseOrAreTheNumber) {
  EXPECT_THAT(look_up_device_name(0x8086, 0x1521), HasSubstr("I350"));
  EXPECT_EQ(look_up_device_name(0x10de, 0xfffe), "Device fffe");
  EXPECT_EQ(look_up_device_name(0xfffe, 0xfffe), "Device fffe");
}

TEST(HostConfidential, IsReadFromTheParametersOfKvm) {
  const auto detected = [](const char* parameter, const char* value) {
    const test::HostTree host;
    if (*parameter != '\0') host.write(host.paths().sys + parameter, value);
    return detect_host_confidential(host.paths().sys);
  };
  constexpr auto tdx = "/module/kvm_intel/parameters/tdx";
  constexpr auto snp = "/module/kvm_amd/parameters/sev_snp";
  EXPECT_EQ(detected("", ""), HostConfidential::none);
  for (const char* yes : {"Y\n", "y\n", "1\n"}) {
    EXPECT_EQ(detected(tdx, yes), HostConfidential::tdx);
    EXPECT_EQ(detected(snp, yes), HostConfidential::sev_snp);
  }
  for (const char* no : {"N\n", "0\n", "\n", "2\n"}) {
    EXPECT_EQ(detected(tdx, no), HostConfidential::none);
    EXPECT_EQ(detected(snp, no), HostConfidential::none);
  }
}

}  // namespace
}  // namespace nvccd
