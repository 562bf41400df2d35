// What the kubelet is told while nvccd and its devices change.
#include <sys/stat.h>

#include <fstream>

#include "plugin_fixture.h"

namespace nvccd::test {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

class DevicesTest : public PluginTest {
 protected:
  void start_with_one_gpu() {
    node.add_gpu(gpu_1);
    start_all();
    ASSERT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
  }
};

TEST_F(DevicesTest, ADeviceThatIsNoLongerReadyIsUnhealthyUntilItIsReadyAgain) {
  start_with_one_gpu();
  node.device(gpu_1).state = DeviceState::transitioning;
  node.publish();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, unhealthy()}}));
  node.device(gpu_1).state = DeviceState::ready;
  node.publish();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
}

TEST_F(DevicesTest, AHotPluggedDeviceAppearsAndOneThatIsPulledOutDisappears) {
  start_with_one_gpu();
  node.add_gpu(gpu_2);
  node.publish();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}, {gpu_2_id, healthy()}}));
  node.remove(gpu_1);
  node.publish();
  EXPECT_TRUE(listed(pgpu, {{gpu_2_id, healthy()}}));
}

TEST_F(DevicesTest, TheLastDeviceOfAResourceTakesTheCapacityWithIt) {
  start_with_one_gpu();
  node.remove(gpu_1);
  node.publish();
  EXPECT_TRUE(kubelet.wait_for(
      pgpu, [](const Resource& known) { return known.devices == DeviceMap{} && !known.connected; }));
  node.add_gpu(gpu_1);
  node.publish();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
}

TEST_F(DevicesTest, ANodeWithoutDevicesAtFirstOffersTheFirstThatComes) {
  start_all();
  node.add_gpu(gpu_1);
  node.publish();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
}

TEST_F(DevicesTest, NvccdIsRestartedWithoutAChangeOfCapacity) {
  start_with_one_gpu();
  node.withdraw_state();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, unhealthy()}}));
  node.publish();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
  for (const DeviceMap& list : kubelet.resource(pgpu).history)
    EXPECT_EQ(list.size(), 1U);
  EXPECT_EQ(kubelet.resource(pgpu).registrations, 1);
}

TEST_F(DevicesTest, NvccdsDirectoryGoesAndComesBack) {
  start_with_one_gpu();
  std::filesystem::remove_all(node.state_file().parent_path());
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, unhealthy()}}));
  std::filesystem::create_directory(node.state_file().parent_path());
  node.publish();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
}

TEST_F(DevicesTest, ThePluginMayStartBeforeNvccd) {
  std::filesystem::remove_all(node.state_file().parent_path());
  kubelet.start();
  start_plugin();
  std::filesystem::create_directory(node.state_file().parent_path());
  node.add_gpu(gpu_1);
  node.publish();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
}

TEST_F(DevicesTest, NewAliasesAreNewResources) {
  start_with_one_gpu();
  node.aliases().pgpu_alias = "gpu-for-vms";
  node.publish();
  EXPECT_TRUE(listed("nvidia.com/gpu-for-vms", {{gpu_1_id, healthy()}}));
  EXPECT_TRUE(kubelet.wait_for(pgpu, [](const Resource& known) { return !known.connected; }));
  EXPECT_EQ(kubelet.resource(pgpu).devices, DeviceMap{});
  EXPECT_FALSE(std::filesystem::exists(node.kubelet_dir() / "nvccd-pgpu.sock"));

  node.aliases().pgpu_alias = "";
  node.publish();
  EXPECT_TRUE(listed("nvidia.com/GH100_H100_SXM5_80GB", {{gpu_1_id, healthy()}}));
}

TEST_F(DevicesTest, ModelsUnderOneAliasAreOneResource) {
  node.add_gpu(gpu_1);
  auto& other = node.add_gpu(gpu_2);
  other.device_id = 0x2bb5;
  other.name = "GB202GL [RTX PRO 6000 Blackwell Server Edition]";
  start_all();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}, {gpu_2_id, healthy()}}));
  EXPECT_EQ(kubelet.resource(pgpu).registrations, 1);

  node.aliases().pgpu_alias = "";
  node.publish();
  EXPECT_TRUE(listed("nvidia.com/GH100_H100_SXM5_80GB", {{gpu_1_id, healthy()}}));
  EXPECT_TRUE(listed("nvidia.com/GB202GL_RTX_PRO_6000_BLACKWELL_SERVER_EDITION", {{gpu_2_id, healthy()}}));
}

TEST_F(DevicesTest, AnAliasThatKubernetesRefusesIsReportedAndTheOthersAreServed) {
  node.add_gpu(gpu_1);
  node.add_switch(switch_1);
  node.aliases().pgpu_alias = "no spaces";
  start_all();
  EXPECT_TRUE(listed(nvswitch, {{switch_1_id, healthy()}}));
  EXPECT_THAT(kubelet.resource_names(), UnorderedElementsAre(nvswitch));
  EXPECT_THAT(plugin->log(), HasSubstr("nvidia.com/no spaces cannot be the name of a resource"));
}

TEST_F(DevicesTest, UnmanagedDevicesAreNotOffered) {
  node.add_gpu(gpu_1);
  node.add_gpu(gpu_2).state = DeviceState::unmanaged;
  start_all();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
}

TEST_F(DevicesTest, AGraceVariantDriverIsAsGoodAsAnyOther) {
  node.add_gpu(gpu_1).driver = "nvgrace_gpu_vfio_pci";
  start_all();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
}

TEST_F(DevicesTest, ADeviceWithoutANumaNodeHasNoTopology) {
  node.add_gpu(gpu_1).numa_node = std::nullopt;
  node.add_gpu(gpu_2).numa_node = 1;
  start_all();
  EXPECT_TRUE(
      listed(pgpu, {{gpu_1_id, {.healthy = true}}, {gpu_2_id, {.healthy = true, .numa_nodes = {1}}}}));
}

TEST_F(DevicesTest, AnIommuGroupIsOneUnitAndOnlyAsHealthyAsAllItsDevices) {
  node.add_gpu(gpu_1).iommu_group = 7;
  node.add_gpu(gpu_2).iommu_group = 7;
  start_all();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
  node.device(gpu_2).state = DeviceState::failed;
  node.publish();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, unhealthy()}}));
}

TEST_F(DevicesTest, WithdrawnDevicesAreUnhealthyUntilTheFileIsGone) {
  start_with_one_gpu();
  std::ofstream(node.withdraw_file()).close();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, unhealthy()}}));
  EXPECT_THAT(refusal(pgpu, {{gpu_1_id}}), HasSubstr("withdrawn for a change of their mode"));
  std::filesystem::remove(node.withdraw_file());
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
}

TEST_F(DevicesTest, DevicesThatWereWithdrawnBeforeThePluginStartedStayWithdrawn) {
  std::ofstream(node.withdraw_file()).close();
  node.add_gpu(gpu_1);
  start_all();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, unhealthy()}}));
  std::filesystem::remove_all(node.withdraw_file().parent_path());
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
}

TEST_F(DevicesTest, InPpcieOneFailedDeviceTakesAllOutOfService) {
  node.add_gpu(gpu_1);
  node.add_gpu(gpu_2);
  node.add_switch(switch_1);
  node.set_mode(Mode::ppcie);
  start_all();
  ASSERT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}, {gpu_2_id, healthy()}}));
  ASSERT_TRUE(listed(nvswitch, {{switch_1_id, healthy()}}));
  node.device(gpu_2).state = DeviceState::failed;
  node.publish();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, unhealthy()}, {gpu_2_id, unhealthy()}}));
  EXPECT_TRUE(listed(nvswitch, {{switch_1_id, unhealthy()}}));
}

// ---- state files that nvccd would not write ----

class HostileStateTest : public DevicesTest, public testing::WithParamInterface<const char*> {};

void put(const TestNode& node, const std::string& what) {
  const std::string text = node.state_text();
  const auto path = node.state_file().string();
  const auto write = [](const std::string& to, const std::string& content) { std::ofstream(to) << content; };
  std::filesystem::remove_all(path);
  if (what == "truncated")
    write(path, text.substr(0, text.size() / 2));
  else if (what == "empty")
    write(path, "");
  else if (what == "huge")
    write(path, text + std::string(8UL << 20U, ' '));
  else if (what == "nested")
    write(path, std::string(200'000, '['));
  else if (what == "wrong type")
    write(path, R"({"schema": 1, "generation": "x", "version": 3, "node": [], "devices": {}})");
  else if (what == "other schema")
    write(path, std::string(text).replace(text.find("\"schema\": 1"), 11, "\"schema\": 2"));
  else if (what == "fifo")
    ASSERT_EQ(::mkfifo(path.c_str(), 0644), 0);
  else if (what == "directory")
    std::filesystem::create_directory(path);
  else if (what == "dangling link")
    std::filesystem::create_symlink("nowhere", path);
}

TEST_P(HostileStateTest, MakesAllDevicesUnhealthyUntilTheNextGoodOne) {
  start_with_one_gpu();
  put(node, GetParam());
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, unhealthy()}}));
  EXPECT_NE(refusal(pgpu, {{gpu_1_id}}), "");
  std::filesystem::remove_all(node.state_file());
  node.publish();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
}

INSTANTIATE_TEST_SUITE_P(States, HostileStateTest,
                         testing::Values("truncated", "empty", "huge", "nested", "wrong type", "other schema",
                                         "fifo", "directory", "dangling link"),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           std::ranges::replace(name, ' ', '_');
                           return name;
                         });

}  // namespace
}  // namespace nvccd::test
