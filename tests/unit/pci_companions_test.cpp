// Companions: whose they are, from whom they are taken, and when they are in use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/host/companions.h"
#include "daemon/pci/binding.h"
#include "gpu_host.h"

namespace nvccd {
namespace {

using test::audio;
using test::gpu;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr PciAddress usb{0, 0x65, 0, 2};
constexpr PciAddress ucsi{0, 0x65, 0, 3};
constexpr PciAddress other_gpu = test::second_gpu;
constexpr PciAddress other_audio{0, 0x66, 0, 1};
constexpr PciAddress lone_audio{0, 0x68, 0, 1};

class Companions : public test::GpuHost {
 protected:
  void SetUp() override {
    host.add_device(usb, "0x10de", "0x1ad8", "0x0c0330");
    host.add_device(ucsi, "0x10de", "0x1ad9", "0x0c8000");
    add_gpu(other_gpu);
    add_audio(other_audio);
    add_audio(lone_audio);
    host.add_driver("vfio-pci");
    host.bind(gpu, "vfio-pci");
  }
  void driver_users(const PciAddress& function, const char* driver, const char* module, const char* count) {
    host.bind(function, driver);
    host.link(host.paths().driver(driver) / "module", host.paths().sys + "/module/" + module);
    host.write(host.paths().sys + "/module/" + module + "/refcnt", count);
  }
  Error refusal() {
    const auto bound = bind_to_vfio(host.paths(), gpu, policy);
    EXPECT_FALSE(bound);
    return bound ? Error() : bound.error();
  }
  void expect_untouched(const PciAddress& function, const char* driver) {
    EXPECT_EQ(host.read(host.paths().device(function) / "driver_override"), "");
    EXPECT_EQ(host.read(host.paths().driver(driver) / "unbind"), "");
  }
  bool was_unbound(const char* driver) { return host.read(host.paths().driver(driver) / "unbind") != ""; }

  BindPolicy policy{.driver = "vfio-pci", .take_over_idle = true};
};

TEST_F(Companions, AreThoseOfTheSlotAndThoseOfNoDevice) {
  host.group(5, {gpu, audio, usb, other_gpu, other_audio, lone_audio});
  EXPECT_THAT(find_companions(host.paths(), gpu), ElementsAre(audio, usb, lone_audio));
  EXPECT_THAT(find_companions(host.paths(), other_gpu), ElementsAre(other_audio, lone_audio));
}

TEST_F(Companions, OfAnExcludedGpuInTheGroupAreNeitherBoundNorReleased) {
  policy.excluded = {other_gpu};
  host.group(5, {gpu, other_gpu, other_audio});
  driver_users(other_audio, "snd_hda_intel", "snd_hda_intel", "0\n");
  const auto error = refusal();
  EXPECT_EQ(error.device, gpu);
  EXPECT_THAT(error.message(),
              HasSubstr("also holds 0000:66:00.1, which belongs to driver snd_hda_intel and is "
                        "excluded by the settings"));
  expect_untouched(other_audio, "snd_hda_intel");

  host.bind(other_audio, "vfio-pci");
  EXPECT_TRUE(bind_to_vfio(host.paths(), gpu, policy)) << "with VFIO it is in nobody's way";
  ASSERT_TRUE(release_from_vfio(host.paths(), gpu));
  EXPECT_EQ(host.read(host.paths().device(other_audio) / "driver_override"), "");
  EXPECT_EQ(host.read(host.paths().driver("vfio-pci") / "unbind"), "0000:65:00.0");
}

TEST_F(Companions, OfAnotherManagedGpuInTheGroupAreLeftToItsOwnBinding) {
  host.group(5, {gpu, other_gpu, other_audio});
  driver_users(other_audio, "snd_hda_intel", "snd_hda_intel", "0\n");
  EXPECT_TRUE(bind_to_vfio(host.paths(), gpu, policy));
  expect_untouched(other_audio, "snd_hda_intel");
}

TEST_F(Companions, OfNoDeviceThatTheSettingsExcludeAreNotTouched) {
  policy.excluded = {lone_audio};
  host.group(5, {gpu, lone_audio});
  EXPECT_TRUE(bind_to_vfio(host.paths(), gpu, policy));
  EXPECT_EQ(host.read(host.paths().device(lone_audio) / "driver_override"), "");
}

TEST_F(Companions, OfAnyDriverAreNotTakenWhenTheSettingsForbidIt) {
  policy.take_over_idle = false;
  host.group(5, {gpu, audio, usb});
  host.bind(usb, "vfio-pci");
  driver_users(audio, "snd_hda_intel", "snd_hda_intel", "0\n");
  const auto error = refusal();
  EXPECT_EQ(error.device, audio);
  EXPECT_THAT(error.message(), HasSubstr("driver snd_hda_intel, and vfio.takeover is \"never\""));
  expect_untouched(audio, "snd_hda_intel");
}

TEST_F(Companions, WithoutADriverAreBoundWhateverTheSettingsSay) {
  policy.take_over_idle = false;
  host.group(5, {gpu, audio});
  EXPECT_THAT(refusal().message(), HasSubstr("driver vfio-pci did not take the device"));
}

class CompanionsOfAHolder : public Companions, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Drivers, CompanionsOfAHolder,
                         testing::Values("xen-pciback", "pciback", "pci-stub", "uio_pci_generic", "igb_uio",
                                         "nvidia", "nouveau", "unheard-of"));

TEST_P(CompanionsOfAHolder, AreNeverTaken) {
  host.group(5, {gpu, audio});
  driver_users(audio, GetParam(), "holder", "0\n");
  const auto error = refusal();
  EXPECT_EQ(error.device, audio);
  EXPECT_THAT(error.message(), HasSubstr(std::string("belongs to driver ") + GetParam()));
  expect_untouched(audio, GetParam());
}

TEST_F(Companions, ThatCannotBeTakenKeepTheDeviceWhereItIs) {
  host.group(5, {gpu, audio});
  driver_users(gpu, "nouveau", "nouveau", "0\n");
  driver_users(audio, "snd_hda_intel", "snd_hda_intel", "1\n");
  EXPECT_EQ(refusal().device, audio);
  expect_untouched(gpu, "nouveau");
}

TEST_F(Companions, ThatPlayOrAreMixedAreInUse) {
  host.group(5, {gpu, audio});
  const auto card = std::filesystem::path(host.paths().proc) / "asound/card1";
  std::filesystem::create_directories(host.paths().device(audio) / "sound/card1");
  driver_users(audio, "snd_hda_intel", "snd_hda_intel", "0\n");
  host.write(card / "pcm3p/sub0/status", "state: RUNNING\nowner_pid   : 812\n");
  EXPECT_EQ(refusal().kind, ErrorKind::device_busy);
  EXPECT_THAT(refusal().message(),
              HasSubstr("in use through driver snd_hda_intel: sound stream pcm3p of card1"));
  host.write(card / "pcm3p/sub0/status", "closed\n");
  driver_users(audio, "snd_hda_intel", "snd_hda_intel", "1\n");
  EXPECT_THAT(refusal().message(), HasSubstr("module snd_hda_intel has 1 user(s)"));
  expect_untouched(audio, "snd_hda_intel");
  driver_users(audio, "snd_hda_intel", "snd_hda_intel", "0\n");
  refusal();
  EXPECT_TRUE(was_unbound("snd_hda_intel"));
}

TEST_F(Companions, WithSomethingPluggedInAreInUse) {
  host.group(5, {gpu, usb});
  const auto hub = host.paths().device(usb) / "usb3";
  std::filesystem::create_directories(hub / "3-0:1.0");
  std::filesystem::create_directories(hub / "3-1");
  driver_users(usb, "xhci_hcd", "xhci_pci", "0\n");
  EXPECT_EQ(refusal().kind, ErrorKind::device_busy);
  EXPECT_THAT(refusal().message(), HasSubstr("USB device 3-1 is plugged in"));
  expect_untouched(usb, "xhci_hcd");
  std::filesystem::remove(hub / "3-1");
  refusal();
  EXPECT_TRUE(was_unbound("xhci_hcd"));
}

TEST_F(Companions, WhoseBusSomebodyHasOpenAreInUse) {
  host.group(5, {gpu, ucsi});
  driver_users(ucsi, "nvidia-gpu", "i2c_nvidia_gpu", "1\n");
  EXPECT_THAT(refusal().message(), HasSubstr("module i2c_nvidia_gpu has 1 user(s)"));
  expect_untouched(ucsi, "nvidia-gpu");
  driver_users(ucsi, "nvidia-gpu", "i2c_nvidia_gpu", "0\n");
  refusal();
  EXPECT_TRUE(was_unbound("nvidia-gpu"));
}

}  // namespace
}  // namespace nvccd
