// Reading what nvccd wrote, and what it did not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/formats/state_file.h"
#include "test_node.h"

namespace nvccd::test {
namespace {

using testing::HasSubstr;

nlohmann::json document() {
  TestNode node;
  node.add_gpu("0000:65:00.0");
  node.add_switch("0000:a0:00.0");
  node.set_mode(Mode::ppcie);
  return nlohmann::json::parse(node.state_text());
}

std::string problem_of(const nlohmann::json& json) {
  const auto state = parse_state(json.dump());
  return state ? "" : state.error().cause;
}

TEST(StateFile, SaysWhatNvccdSaid) {
  const auto state = parse_state(document().dump());
  ASSERT_TRUE(state) << state.error().message();
  EXPECT_EQ(state->node.node_mode, Mode::ppcie);
  EXPECT_EQ(state->node.mode_state, ModeState::ppcie);
  EXPECT_EQ(state->version, "test");
  ASSERT_EQ(state->devices.size(), 2U);
  const auto& gpu = state->devices[0];
  EXPECT_EQ(gpu.id, "0000-65-00.0");
  EXPECT_EQ(gpu.kind, DeviceKind::gpu);
  EXPECT_EQ(gpu.resource, "nvidia.com/pgpu");
  EXPECT_EQ(gpu.iommu_group, 10);
  EXPECT_EQ(gpu.vfio_group, "/dev/vfio/10");
  EXPECT_EQ(gpu.vfio_device, "/dev/vfio/devices/vfio10");
  EXPECT_EQ(gpu.numa_node, 0);
  EXPECT_EQ(gpu.mode, Mode::ppcie);
  EXPECT_EQ(gpu.state, DeviceState::ready);
  EXPECT_TRUE(gpu.healthy);
  EXPECT_EQ(state->devices[1].kind, DeviceKind::nvswitch);
}

TEST(StateFile, MayHaveMembersThatALaterVersionAdded) {
  auto json = document();
  json["news"] = {1, 2};
  json["node"]["news"] = "x";
  json["devices"][0]["news"] = nullptr;
  EXPECT_EQ(problem_of(json), "");
}

TEST(StateFile, NullsAreNothingToKnow) {
  auto json = document();
  auto& device = json["devices"][0];
  for (const char* member :
       {"driver", "iommu_group", "vfio_group", "vfio_device", "numa_node", "requested_mode", "error"})
    device[member] = nullptr;
  device["mode"] = "unknown";
  const auto state = parse_state(json.dump());
  ASSERT_TRUE(state) << state.error().message();
  const auto& gpu = state->devices[0];
  EXPECT_FALSE(gpu.iommu_group || gpu.numa_node || gpu.mode || gpu.requested_mode);
  EXPECT_TRUE(gpu.vfio_group.empty() && gpu.vfio_device.empty() && gpu.error.empty());
}

TEST(StateFile, ANegativeNumaNodeIsNone) {
  auto json = document();
  json["devices"][0]["numa_node"] = -1;
  const auto state = parse_state(json.dump());
  ASSERT_TRUE(state);
  EXPECT_EQ(state->devices[0].numa_node, std::nullopt);
}

TEST(StateFile, EveryMemberThatIsReadMustBeThereAndOfItsType) {
  const auto good = document();
  const std::vector<const char*> of_document{"schema", "generation", "version", "node", "devices"};
  const std::vector<const char*> of_node{"default_mode", "node_mode", "requested_mode",   "mode_state",
                                         "ready",        "error",     "host_confidential"};
  const std::vector<const char*> of_device{
      "address",   "id",   "kind",           "name",  "resource", "iommu_group", "vfio_group", "vfio_device",
      "numa_node", "mode", "requested_mode", "state", "healthy",  "in_use",      "error"};
  const auto corrupt = [&](const nlohmann::json::json_pointer& parent,
                           const std::vector<const char*>& members) {
    for (const char* member : members) {
      auto without = good;
      without[parent].erase(member);
      EXPECT_THAT(problem_of(without), HasSubstr(std::string(member) + " of "));
      auto wrong = good;
      wrong[parent][member] = {{"an", "object"}};
      EXPECT_NE(problem_of(wrong), "") << member;
    }
  };
  using Pointer = nlohmann::json::json_pointer;
  corrupt(Pointer(""), of_document);
  corrupt(Pointer("/node"), of_node);
  corrupt(Pointer("/devices/1"), of_device);
}

TEST(StateFile, NodesOutsideOfVfioAreNotAccepted) {
  for (const char* path :
       {"/dev/mem", "/dev/vfio/../mem", "/dev/vfio/", "/dev/vfio/vfio", "65", "/dev/vfio/65 "}) {
    auto json = document();
    json["devices"][0]["vfio_group"] = path;
    EXPECT_THAT(problem_of(json), HasSubstr("vfio_group of device 0")) << path;
  }
  for (const char* path :
       {"/dev/vfio/65", "/dev/vfio/devices/vfio", "/dev/vfio/devices/vfio1/../../../mem"}) {
    auto json = document();
    json["devices"][0]["vfio_device"] = path;
    EXPECT_THAT(problem_of(json), HasSubstr("vfio_device of device 0")) << path;
  }
}

TEST(StateFile, AnIdIsThatOfItsAddress) {
  auto json = document();
  json["devices"][0]["id"] = "0000-66-00.0";
  EXPECT_THAT(problem_of(json), HasSubstr("id of device 0"));
}

TEST(StateFile, ADeviceIsInItOnce) {
  auto json = document();
  json["devices"].push_back(json["devices"][0]);
  EXPECT_THAT(problem_of(json), HasSubstr("0000:65:00.0 is in it twice"));
}

TEST(StateFile, DevicesComeByAddressWhateverTheirOrder) {
  auto json = document();
  std::swap(json["devices"][0], json["devices"][1]);
  const auto state = parse_state(json.dump());
  ASSERT_TRUE(state);
  EXPECT_EQ(state->devices[0].id, "0000-65-00.0");
}

TEST(StateFile, AnotherSchemaIsNotGuessedAt) {
  auto json = document();
  json["schema"] = 2;
  EXPECT_THAT(problem_of(json), HasSubstr("schema is 2"));
}

}  // namespace
}  // namespace nvccd::test
