// A node with a kubelet and a plugin.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "test_kubelet.h"
#include "test_node.h"

namespace nvccd::test {

inline const std::string pgpu = "nvidia.com/pgpu";
inline const std::string nvswitch = "nvidia.com/nvswitch";
inline constexpr auto gpu_1 = "0000:65:00.0";
inline constexpr auto gpu_2 = "0000:66:00.0";
inline constexpr auto switch_1 = "0000:a0:00.0";
inline const std::string gpu_1_id = "0000-65-00.0";
inline const std::string gpu_2_id = "0000-66-00.0";
inline const std::string switch_1_id = "0000-a0-00.0";

class PluginTest : public testing::Test {
 protected:
  void TearDown() override {
    if (HasFailure() && plugin)
      std::fprintf(stderr, "---- log of the plugin\n%s----\n", plugin->log().c_str());
    kubelet.stop();
    if (plugin) {
      EXPECT_EQ(plugin->stop(), EXIT_SUCCESS);
    }
  }

  void start_plugin() { plugin.emplace(node); }
  void start_all() {
    node.publish();
    kubelet.start();
    start_plugin();
  }

  // Waits until the kubelet knows exactly these devices.
  bool listed(const std::string& resource, const DeviceMap& devices) {
    return kubelet.wait_for(resource, [&](const Resource& known) { return known.devices == devices; });
  }
  static ListedDevice healthy() { return {.healthy = true, .numa_nodes = {0}}; }
  static ListedDevice unhealthy() { return {.healthy = false, .numa_nodes = {0}}; }

  std::vector<std::string> allocated_nodes(const std::string& resource, const std::vector<std::string>& ids) {
    v1beta1::AllocateResponse response;
    const auto status = kubelet.allocate(resource, {ids}, response);
    if (!status.ok()) return {status.error_message()};
    std::vector<std::string> nodes;
    for (const auto& device : response.container_responses(0).devices())
      nodes.push_back(device.host_path());
    return nodes;
  }
  // What the plugin says to a request that it refuses; "" when it does not.
  std::string refusal(const std::string& resource, const std::vector<std::vector<std::string>>& ids) {
    v1beta1::AllocateResponse response;
    const auto status = kubelet.allocate(resource, ids, response);
    if (status.ok()) return "";
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    return status.error_message();
  }

  TestNode node;
  TestKubelet kubelet{node.kubelet_dir()};
  std::optional<PluginProcess> plugin;
};

}  // namespace nvccd::test
