// What a pod gets, and when it gets nothing.
#include "plugin_fixture.h"

namespace nvccd::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AllocateTest : public PluginTest {
 protected:
  void SetUp() override {
    node.add_gpu(gpu_1).vfio_device = "/dev/vfio/devices/vfio3";
    node.add_gpu(gpu_2).vfio_device = "/dev/vfio/devices/vfio4";
    node.add_switch(switch_1).vfio_device = "/dev/vfio/devices/vfio5";
  }
  void start() {
    start_all();
    ASSERT_TRUE(kubelet.wait_for(pgpu, [](const Resource& known) { return known.devices.has_value(); }));
    ASSERT_TRUE(kubelet.wait_for(nvswitch, [](const Resource& known) { return known.devices.has_value(); }));
  }
};

TEST_F(AllocateTest, AContainerGetsTheIommufdNodesOfItsDevicesAndNothingElse) {
  start();
  v1beta1::AllocateResponse response;
  ASSERT_TRUE(kubelet.allocate(pgpu, {{gpu_2_id, gpu_1_id}}, response).ok());
  ASSERT_EQ(response.container_responses_size(), 1);
  const auto& container = response.container_responses(0);
  ASSERT_EQ(container.devices_size(), 2);
  for (const auto& device : container.devices()) {
    EXPECT_EQ(device.container_path(), device.host_path());
    EXPECT_EQ(device.permissions(), "mrw");
  }
  EXPECT_EQ(container.devices(0).host_path(), "/dev/vfio/devices/vfio4");
  EXPECT_EQ(container.devices(1).host_path(), "/dev/vfio/devices/vfio3");
  EXPECT_EQ(container.envs_size() + container.mounts_size() + container.annotations_size() +
                container.cdi_devices_size(),
            0);
}

TEST_F(AllocateTest, WithoutIommufdAContainerGetsTheControlNodeOnceAndItsGroups) {
  node.device(gpu_1).vfio_device = node.device(gpu_2).vfio_device = "";
  node.device(gpu_1).vfio_group = "/dev/vfio/65";
  node.device(gpu_2).vfio_group = "/dev/vfio/66";
  start();
  EXPECT_THAT(allocated_nodes(pgpu, {gpu_1_id, gpu_2_id}),
              ElementsAre("/dev/vfio/vfio", "/dev/vfio/65", "/dev/vfio/66"));
}

TEST_F(AllocateTest, AGroupIsGivenAsAWhole) {
  node.device(gpu_1).iommu_group = node.device(gpu_2).iommu_group = 7;
  start();
  EXPECT_THAT(allocated_nodes(pgpu, {gpu_1_id}),
              ElementsAre("/dev/vfio/devices/vfio3", "/dev/vfio/devices/vfio4"));
}

TEST_F(AllocateTest, EachContainerOfACallGetsItsOwn) {
  start();
  v1beta1::AllocateResponse response;
  ASSERT_TRUE(kubelet.allocate(pgpu, {{gpu_1_id}, {gpu_2_id}}, response).ok());
  ASSERT_EQ(response.container_responses_size(), 2);
  EXPECT_EQ(response.container_responses(1).devices(0).host_path(), "/dev/vfio/devices/vfio4");
}

TEST_F(AllocateTest, TheNodesAreThoseOfThisMoment) {
  start();
  ASSERT_THAT(allocated_nodes(pgpu, {gpu_1_id}), ElementsAre("/dev/vfio/devices/vfio3"));
  node.device(gpu_1).vfio_device = "/dev/vfio/devices/vfio9";
  node.publish();
  EXPECT_THAT(allocated_nodes(pgpu, {gpu_1_id}), ElementsAre("/dev/vfio/devices/vfio9"));
}

TEST_F(AllocateTest, ADeviceThatHasJustBecomeUnhealthyIsRefusedWithItsReason) {
  start();
  node.device(gpu_1).state = DeviceState::failed;
  node.device(gpu_1).error = "the firmware does not answer";
  node.publish();
  const std::string reason = refusal(pgpu, {{gpu_2_id, gpu_1_id}});
  EXPECT_THAT(reason, HasSubstr(gpu_1_id));
  EXPECT_THAT(reason, HasSubstr("the firmware does not answer"));
}

TEST_F(AllocateTest, WhatIsNotThereIsRefused) {
  start();
  EXPECT_THAT(refusal(pgpu, {{"0000-99-00.0"}}), HasSubstr("there is no device 0000-99-00.0"));
  EXPECT_THAT(refusal(pgpu, {{switch_1_id}}), HasSubstr("there is no device " + switch_1_id));
}

TEST_F(AllocateTest, ADeviceAskedForTwiceIsRefused) {
  start();
  EXPECT_THAT(refusal(pgpu, {{gpu_1_id, gpu_1_id}}), HasSubstr("asked for twice"));
  EXPECT_THAT(refusal(pgpu, {{gpu_1_id}, {gpu_1_id}}), HasSubstr("asked for twice"));
}

TEST_F(AllocateTest, NothingIsGivenWhileNvccdDoesNotRun) {
  start();
  node.withdraw_state();
  const std::string reason = refusal(pgpu, {{gpu_1_id}});
  EXPECT_THAT(reason, HasSubstr(node.state_file().string()));
  EXPECT_THAT(reason, HasSubstr("systemctl status nvccd"));
}

TEST_F(AllocateTest, InPpcieOnlyTheWholeSetIsGivenAndTheRefusalSaysWhatToAskFor) {
  node.set_mode(Mode::ppcie);
  start();
  EXPECT_THAT(refusal(pgpu, {{gpu_1_id}}), HasSubstr("ask for nvidia.com/nvswitch: 1, nvidia.com/pgpu: 2"));
  EXPECT_THAT(refusal(pgpu, {{gpu_1_id}, {gpu_2_id}}), HasSubstr("ppcie"))
      << "divided between two containers";
  EXPECT_EQ(allocated_nodes(pgpu, {gpu_1_id, gpu_2_id}).size(), 2U);
  EXPECT_EQ(allocated_nodes(nvswitch, {switch_1_id}).size(), 1U);
}

TEST_F(AllocateTest, ThePreferredDevicesAreOfOneNumaNode) {
  node.device(gpu_1).numa_node = 1;
  node.device(gpu_2).numa_node = 0;
  node.add_gpu("0000:67:00.0").numa_node = 1;
  start();
  v1beta1::PreferredAllocationRequest request;
  auto* container = request.add_container_requests();
  for (const auto& id : {gpu_1_id, gpu_2_id, std::string("0000-67-00.0")})
    container->add_available_deviceids(id);
  container->set_allocation_size(2);
  v1beta1::PreferredAllocationResponse response;
  ASSERT_TRUE(kubelet.prefer(pgpu, request, response).ok());
  EXPECT_THAT(response.container_responses(0).deviceids(), ElementsAre(gpu_1_id, "0000-67-00.0"));

  container->set_allocation_size(-1);
  EXPECT_EQ(kubelet.prefer(pgpu, request, response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  container->set_allocation_size(4);
  EXPECT_EQ(kubelet.prefer(pgpu, request, response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace nvccd::test
