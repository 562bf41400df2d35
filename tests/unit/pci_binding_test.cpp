// What a binding writes and what it refuses. Plain files do not bind anything, so a binding that gets as far
// as asking the kernel ends with the kernel's not having done it; the lab shows the rest on a real kernel.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "daemon/pci/binding.h"
#include "gpu_host.h"

namespace nvccd {
namespace {

using test::audio;
using test::gpu;
using test::second_gpu;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr PciAddress bridge{0, 0x64, 0, 0};
constexpr PciAddress nic{0, 0x67, 0, 0};

class Binding : public test::GpuHost {
 protected:
  void SetUp() override {
    add_gpu(second_gpu);
    host.add_device(bridge, "0x10b5", "0x8747", "0x060400");
    add_nic(nic);
    host.add_driver("vfio-pci");
  }
  Error expect_failure(const Result<>& result) {
    EXPECT_FALSE(result);
    return result ? Error() : result.error();
  }
  Result<> bind() { return bind_to_vfio(host.paths(), gpu, policy); }
  void module_users(const char* module, const char* count) {
    host.write(host.paths().sys + "/module/" + module + "/refcnt", count);
  }

  BindPolicy policy{.driver = "vfio-pci", .take_over_idle = true};
};

TEST_F(Binding, WithoutAnIommuGroupSaysHowToGetOne) {
  const auto error = expect_failure(bind());
  EXPECT_EQ(error.device, gpu);
  EXPECT_THAT(error.message(), HasSubstr("the device has no IOMMU group"));
  EXPECT_THAT(error.message(), HasSubstr("intel_iommu=on"));
  EXPECT_EQ(override_of(gpu), "");
}

TEST_F(Binding, WithAForeignDeviceInTheGroupNamesItAndTouchesNothing) {
  host.group(5, {gpu, audio, nic});
  const auto error = expect_failure(bind());
  EXPECT_THAT(error.message(), HasSubstr("its IOMMU group also holds 0000:67:00.0"));
  for (const auto& address : {gpu, audio, nic})
    EXPECT_EQ(override_of(address), "");
  EXPECT_EQ(probed(), "");
}

TEST_F(Binding, TheBridgeAboveMayShareTheGroupAndIsLeftAlone) {
  host.group(5, {bridge, gpu});
  host.bind(bridge, "pcieport");
  host.bind(gpu, "vfio-pci");
  EXPECT_TRUE(bind());
  EXPECT_EQ(override_of(bridge), "");
  EXPECT_EQ(unbound_from("pcieport"), "");
}

TEST_F(Binding, OfADeviceThatIsBoundAlreadyWritesNothing) {
  host.group(5, {gpu, audio});
  host.bind(gpu, "vfio-pci");
  host.bind(audio, "vfio-pci");
  EXPECT_TRUE(bind());
  EXPECT_EQ(override_of(gpu), "");
  EXPECT_EQ(probed(), "");
}

TEST_F(Binding, SetsTheOverrideAndAsksTheKernelToProbe) {
  host.group(5, {gpu});
  const auto error = expect_failure(bind());
  EXPECT_EQ(override_of(gpu), "vfio-pci");
  EXPECT_EQ(probed(), "0000:65:00.0");
  EXPECT_EQ(error.device, gpu);
  EXPECT_THAT(error.message(), HasSubstr("driver vfio-pci did not take the device"));
  EXPECT_THAT(error.message(), HasSubstr("journalctl -k"));
}

TEST_F(Binding, TakesCompanionsAlong) {
  host.group(5, {gpu, audio});
  host.bind(gpu, "vfio-pci");
  host.bind(audio, "snd_hda_intel");
  module_users("snd_hda_intel", "0\n");
  const auto error = expect_failure(bind());
  EXPECT_EQ(error.device, audio);
  EXPECT_EQ(override_of(audio), "vfio-pci");
  EXPECT_EQ(unbound_from("snd_hda_intel"), "0000:65:00.1");
  EXPECT_EQ(probed(), "0000:65:00.1");
}

TEST_F(Binding, GivesCompanionsTheGeneralDriverWhenTheDeviceHasAVariant) {
  policy.driver = "nvgrace-gpu-vfio-pci";
  host.add_driver("nvgrace-gpu-vfio-pci");
  host.group(5, {gpu, audio});
  host.bind(gpu, "nvgrace-gpu-vfio-pci");
  expect_failure(bind());
  EXPECT_EQ(override_of(audio), "vfio-pci");
}

TEST_F(Binding, OfADeviceThatIsBoundAlreadyTakesTheCompanionsThatWereLeftBehindAndLooksForNoDriver) {
  policy.driver = "auto";  // for which the device's modalias would be read; there is none
  host.group(5, {gpu, audio});
  host.bind(gpu, "vfio-pci");
  const auto error = expect_failure(bind());
  EXPECT_EQ(error.device, audio);
  EXPECT_THAT(error.message(), HasSubstr("driver vfio-pci did not take the device"));
  EXPECT_EQ(override_of(gpu), "");
  EXPECT_EQ(override_of(audio), "vfio-pci");
  EXPECT_EQ(probed(), "0000:65:00.1");
}

TEST_F(Binding, ABridgeOfNvidiaIsNoCompanion) {
  host.add_device(bridge, "0x10de", "0x22b8", "0x060400");
  host.group(5, {bridge, gpu});
  host.bind(bridge, "pcieport");
  host.bind(gpu, "vfio-pci");
  EXPECT_TRUE(bind());
  EXPECT_EQ(override_of(bridge), "");
  EXPECT_EQ(unbound_from("pcieport"), "");
}

TEST_F(Binding, LeavesAnotherGpuOfTheGroupToItsOwnBinding) {
  host.group(5, {gpu, second_gpu});
  host.bind(gpu, "vfio-pci");
  EXPECT_TRUE(bind());
  EXPECT_EQ(override_of(second_gpu), "");
}

TEST_F(Binding, TakesAnIdleDeviceFromNouveau) {
  host.group(5, {gpu});
  host.bind(gpu, "nouveau");
  module_users("nouveau", "0\n");
  expect_failure(bind());
  EXPECT_EQ(override_of(gpu), "vfio-pci");
  EXPECT_EQ(unbound_from("nouveau"), "0000:65:00.0");
}

TEST_F(Binding, DoesNotTakeADeviceInUseAndLeavesNoTrace) {
  host.group(5, {gpu});
  host.bind(gpu, "nvidia");
  module_users("nvidia", "3\n");
  const auto error = expect_failure(bind());
  EXPECT_EQ(error.kind, ErrorKind::device_busy);
  EXPECT_THAT(error.message(), HasSubstr("in use through driver nvidia"));
  EXPECT_EQ(unbound_from("nvidia"), "");
  // A newline is what clears the kernel's attribute; a plain file keeps the rest of what was there.
  EXPECT_TRUE(override_of(gpu).empty() || override_of(gpu).starts_with('\n')) << override_of(gpu);
}

TEST_F(Binding, DoesNotTakeAScreenThoughItsDriverCountsNoUsers) {
  host.group(5, {gpu});
  host.bind(gpu, "nouveau");
  module_users("nouveau", "0\n");
  const auto connector = host.paths().device(gpu) / "drm/card1/card1-DP-1";
  host.write(connector / "status", "connected\n");
  host.write(connector / "enabled", "enabled\n");
  const auto error = expect_failure(bind());
  EXPECT_EQ(error.kind, ErrorKind::device_busy);
  EXPECT_THAT(error.message(), HasSubstr("in use through driver nouveau"));
  EXPECT_EQ(unbound_from("nouveau"), "");
}

TEST_F(Binding, TakesNothingWhenTheSettingsForbidIt) {
  policy.take_over_idle = false;
  host.group(5, {gpu});
  host.bind(gpu, "nouveau");
  module_users("nouveau", "0\n");
  const auto error = expect_failure(bind());
  EXPECT_THAT(error.message(), HasSubstr("vfio.takeover is \"never\""));
  EXPECT_EQ(unbound_from("nouveau"), "");
}

TEST_F(Binding, TakesNothingFromADriverItDoesNotKnow) {
  host.group(5, {gpu});
  host.bind(gpu, "xen-pciback");
  const auto error = expect_failure(bind());
  EXPECT_THAT(error.message(), HasSubstr("belongs to driver xen-pciback"));
  EXPECT_EQ(unbound_from("xen-pciback"), "");
  EXPECT_EQ(override_of(gpu), "");
}

TEST_F(Binding, PrefersTheLoadedDriverThatTheOverrideNames) {
  policy.driver = "auto";
  host.group(5, {gpu});
  host.add_driver("nvgrace-gpu-vfio-pci");
  host.write(host.paths().device(gpu) / "driver_override", "nvgrace-gpu-vfio-pci\n");
  EXPECT_THAT(expect_failure(bind()).message(),
              HasSubstr("driver nvgrace-gpu-vfio-pci did not take the device"));
}

TEST_F(Binding, AnOverrideWithADriverOfTheHostDoesNotCount) {
  policy.driver = "auto";
  host.group(5, {gpu});
  host.add_driver("nvidia");
  host.write(host.paths().device(gpu) / "modalias", "pci:v000010DEd00002330sv0sd0bc03sc02i00\n");
  host.write(host.paths().device(gpu) / "driver_override", "nvidia\n");
  EXPECT_THAT(expect_failure(bind()).message(), Not(HasSubstr("driver nvidia")));
}

// --prepare and the udev rule cannot tell whether a device is in use.
TEST_F(Binding, ADeviceThatStaysWithItsDriverLosesTheOverrideThatWasPreparedForIt) {
  const auto attribute = host.paths().device(gpu) / "driver_override";
  host.group(5, {gpu, audio});
  host.bind(gpu, "nvidia");
  module_users("nvidia", "3\n");
  host.write(attribute, "vfio-pci\n");
  expect_failure(bind());
  EXPECT_THAT(override_of(gpu), StartsWith("\n")) << "used itself";
  module_users("nvidia", "0\n");
  host.bind(audio, "snd_hda_intel");
  module_users("snd_hda_intel", "1\n");
  host.write(attribute, "vfio-pci\n");
  expect_failure(bind());
  EXPECT_THAT(override_of(gpu), StartsWith("\n")) << "its companion is used";
  host.write(attribute, "nvidia\n");
  expect_failure(bind());
  EXPECT_EQ(override_of(gpu), "nvidia\n") << "somebody else's choice";
}

TEST_F(Binding, AFailedAttemptPutsBackWhatTheOverrideSaid) {
  host.group(5, {gpu});
  host.bind(gpu, "nouveau");
  module_users("nouveau", "0\n");
  host.write(host.paths().device(gpu) / "driver_override", "nouveau\n");
  std::filesystem::remove(host.paths().driver("nouveau") / "unbind");
  expect_failure(bind());
  EXPECT_EQ(override_of(gpu).substr(0, 7), "nouveau");
  EXPECT_EQ(probed(), "");
}

// A reading of the override stands for a search of modules, which takes its time. The kernel refuses to
// unbind a device from a driver that does not have it.
TEST_F(Binding, TakesTheDeviceFromNobodyWhoCameAfterItWasJudged) {
  policy.driver = "auto";
  host.group(5, {gpu});
  host.bind(gpu, "nouveau");
  module_users("nouveau", "0\n");
  host.add_driver("xen-pciback");
  const auto attribute = host.paths().device(gpu) / "driver_override";
  std::filesystem::rename(attribute, attribute.string() + ".later");
  ASSERT_EQ(::mkfifo(attribute.c_str(), 0600), 0);
  const std::jthread somebody([&] {
    std::ofstream override(attribute);  // as soon as it is read
    host.bind(gpu, "xen-pciback");
    std::filesystem::rename(attribute.string() + ".later", attribute);
    override << "vfio-pci\n";
  });
  expect_failure(bind());
  EXPECT_EQ(unbound_from("xen-pciback"), "");
  EXPECT_EQ(unbound_from("nouveau"), "0000:65:00.0");
}

TEST_F(Binding, AForeignDeviceInTheGroupThatIsWithVfioTooIsNoHindrance) {
  host.group(5, {gpu, nic});
  host.bind(gpu, "vfio-pci");
  host.bind(nic, "vfio-pci");
  EXPECT_TRUE(bind());
  EXPECT_EQ(override_of(nic), "");
}

TEST_F(Binding, OfADeviceThatIsBoundAlreadyStillNamesAForeignDeviceInTheGroup) {
  host.group(5, {gpu, nic});
  host.bind(gpu, "vfio-pci");
  host.bind(nic, "igb");
  EXPECT_THAT(expect_failure(bind()).message(),
              HasSubstr("also holds 0000:67:00.0, which is no NVIDIA device and belongs to driver igb"));
}

TEST_F(Binding, OfADeviceThatTheSettingsExcludeIsRefused) {
  host.group(5, {gpu});
  policy.excluded = {gpu};
  EXPECT_EQ(expect_failure(bind()).kind, ErrorKind::not_supported);
  EXPECT_EQ(override_of(gpu), "");
}

}  // namespace
}  // namespace nvccd
