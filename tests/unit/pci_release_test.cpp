// Giving a device back to the host: what a release writes, and what of the group it leaves alone.
#include <gtest/gtest.h>

#include "daemon/pci/binding.h"
#include "gpu_host.h"

namespace nvccd {
namespace {

using test::audio;
using test::gpu;
using test::second_gpu;

constexpr PciAddress nic{0, 0x67, 0, 0};

class Release : public test::GpuHost {
 protected:
  void SetUp() override {
    add_gpu(second_gpu);
    add_nic(nic);
  }
};

TEST_F(Release, ClearsTheOverrideUnbindsAndProbes) {
  host.group(5, {gpu});
  host.bind(gpu, "vfio-pci");
  ASSERT_TRUE(release_from_vfio(host.paths(), gpu));
  EXPECT_EQ(override_of(gpu), "\n");
  EXPECT_EQ(unbound_from("vfio-pci"), "0000:65:00.0");
  EXPECT_EQ(probed(), "0000:65:00.0");
}

TEST_F(Release, TakesCompanionsAlong) {
  host.group(5, {gpu, audio});
  host.bind(gpu, "vfio-pci");
  host.bind(audio, "vfio-pci");
  ASSERT_TRUE(release_from_vfio(host.paths(), gpu));
  EXPECT_EQ(override_of(gpu), "\n");
  EXPECT_EQ(override_of(audio), "\n");
  EXPECT_EQ(unbound_from("vfio-pci"), "0000:65:00.1");
}

TEST_F(Release, LeavesAnotherBoundGpuOfTheGroupAndTheCompanionsAlone) {
  host.group(5, {gpu, audio, second_gpu});
  for (const auto& address : {gpu, audio, second_gpu})
    host.bind(address, "vfio-pci");
  ASSERT_TRUE(release_from_vfio(host.paths(), gpu));
  EXPECT_EQ(override_of(gpu), "\n");
  EXPECT_EQ(override_of(audio), "");
  EXPECT_EQ(override_of(second_gpu), "");
  EXPECT_EQ(unbound_from("vfio-pci"), "0000:65:00.0");
  EXPECT_EQ(probed(), "0000:65:00.0");
}

TEST_F(Release, OfTheLastBoundGpuOfTheGroupTakesTheCompanionsAlong) {
  host.group(5, {gpu, audio, second_gpu});
  host.bind(gpu, "vfio-pci");
  host.bind(audio, "vfio-pci");
  host.bind(second_gpu, "nouveau");
  ASSERT_TRUE(release_from_vfio(host.paths(), gpu));
  EXPECT_EQ(override_of(audio), "\n");
  EXPECT_EQ(unbound_from("vfio-pci"), "0000:65:00.1");
  EXPECT_EQ(unbound_from("nouveau"), "");
}

TEST_F(Release, IsNotHeldUpByAForeignDeviceInTheGroup) {
  host.group(5, {gpu, nic});
  host.bind(gpu, "vfio-pci");
  host.bind(nic, "vfio-pci");
  ASSERT_TRUE(release_from_vfio(host.paths(), gpu));
  EXPECT_EQ(unbound_from("vfio-pci"), "0000:65:00.0");
  EXPECT_EQ(override_of(nic), "");
}

TEST_F(Release, LeavesADeviceOfAnotherDriverAlone) {
  host.group(5, {gpu});
  host.bind(gpu, "nouveau");
  ASSERT_TRUE(release_from_vfio(host.paths(), gpu));
  EXPECT_EQ(unbound_from("nouveau"), "");
  EXPECT_EQ(probed(), "");
}

}  // namespace
}  // namespace nvccd
