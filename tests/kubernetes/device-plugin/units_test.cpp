// What is advertised, and which of it goes to whom: decisions without a kubelet.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/formats/resource_name.h"
#include "daemon/publish/cdi_specification.h"
#include "kubernetes/device-plugin/allocation.h"
#include "kubernetes/device-plugin/resource_server.h"
#include "kubernetes/device-plugin/socket_name.h"
#include "test_node.h"

namespace nvccd::test {
namespace {

using namespace kubernetes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Advertisement advertised(const TestNode& node) {
  return advertise(parse_state(node.state_text()).value());
}

// ---- units ----

TEST(Units, AGpuAndASwitchOfOneGroupAreAUnitOfTheFirst) {
  TestNode node;
  node.add_gpu("0000:65:00.0").iommu_group = 5;
  node.add_switch("0000:66:00.0").iommu_group = 5;
  node.device("0000:66:00.0").numa_node = 1;
  const auto resources = advertised(node).resources;
  ASSERT_EQ(resources.size(), 1U);
  const Unit& unit = resources.at("nvidia.com/pgpu").at(0);
  EXPECT_EQ(unit.id, "0000-65-00.0");
  EXPECT_THAT(unit.nodes, ElementsAre("/dev/vfio/devices/vfio10", "/dev/vfio/devices/vfio11"));
  EXPECT_THAT(unit.numa_nodes, ElementsAre(0, 1));
}

TEST(Units, DevicesWithoutAGroupAreNotOneGroup) {
  TestNode node;
  node.add_gpu("0000:65:00.0").iommu_group = std::nullopt;
  node.add_gpu("0000:66:00.0").iommu_group = std::nullopt;
  EXPECT_EQ(advertised(node).resources.at("nvidia.com/pgpu").size(), 2U);
}

TEST(Units, AGroupOfWhichOneDeviceIsUnmanagedCannotBeUsed) {
  TestNode node;
  node.add_gpu("0000:65:00.0").iommu_group = 5;
  node.add_gpu("0000:66:00.0").iommu_group = 5;
  node.device("0000:66:00.0").state = DeviceState::unmanaged;
  EXPECT_EQ(advertised(node).resources.at("nvidia.com/pgpu").at(0).problem, "0000:66:00.0 is unmanaged");
}

TEST(Units, AHealthyDeviceWithoutANodeCannotBeUsed) {
  TestNode node;
  auto& gpu = node.add_gpu("0000:65:00.0");
  gpu.vfio_device = gpu.vfio_group = "";
  EXPECT_THAT(advertised(node).resources.at("nvidia.com/pgpu").at(0).problem,
              HasSubstr("no node below /dev/vfio"));
}

TEST(Units, AGroupWithOneDeviceThatIommufdDoesNotHaveUsesTheLegacyNodes) {
  TestNode node;
  for (const char* address : {"0000:65:00.0", "0000:66:00.0"}) {
    node.add_gpu(address).iommu_group = 5;
    node.device(address).vfio_group = "/dev/vfio/5";
  }
  node.device("0000:66:00.0").vfio_device = "";
  EXPECT_THAT(advertised(node).resources.at("nvidia.com/pgpu").at(0).nodes,
              ElementsAre("/dev/vfio/vfio", "/dev/vfio/5"));
}

TEST(Units, ADeviceThatIsToBeInAnotherModeIsNoPartOfThePpcieSet) {
  TestNode node;
  node.add_gpu("0000:65:00.0");
  node.add_gpu("0000:66:00.0");
  node.set_mode(Mode::ppcie);
  auto& other = node.device("0000:66:00.0");
  other.requested_mode = other.mode = Mode::off;
  node.device("0000:65:00.0").state = DeviceState::transitioning;
  const Units units = advertised(node).resources.at("nvidia.com/pgpu");
  EXPECT_EQ(units.at(0).problem, "0000:65:00.0 is transitioning");
  EXPECT_EQ(units.at(1).problem, "");
}

// What Kata looks up is what it was told: the same names, and the same nodes behind them.
TEST(Units, AreThoseOfTheCdiFilesOfNvccd) {
  TestNode node;
  node.add_gpu("0000:65:00.0");
  node.add_gpu("0000:66:00.0").vfio_device = "";  // legacy
  node.add_gpu("0000:67:00.0").iommu_group = 5;   // a group of two
  node.add_gpu("0000:68:00.0").iommu_group = 5;
  node.add_gpu("0000:69:00.0").state = DeviceState::failed;
  node.add_switch("0000:a0:00.0");
  for (const char* alias : {"pgpu", ""}) {
    node.aliases().pgpu_alias = alias;
    std::map<std::string, std::vector<std::string>> by_cdi;
    for (const auto& [kind, text] : cdi_specifications(node.devices(), node.aliases())) {
      const auto specification = nlohmann::json::parse(text);
      for (const auto& device : specification["devices"])
        for (const auto& entry : device["containerEdits"]["deviceNodes"])
          by_cdi[kind + "=" + device["name"].get<std::string>()].push_back(entry["path"]);
    }
    std::map<std::string, std::vector<std::string>> by_plugin;
    for (const auto& [resource, units] : advertised(node).resources)
      for (const Unit& unit : units)
        if (unit.healthy()) by_plugin[resource + "=" + unit.id] = unit.nodes;
    EXPECT_EQ(by_plugin.size(), 4U);
    EXPECT_EQ(by_plugin, by_cdi);
  }
}

// ---- preference ----

Units units_on(const std::vector<int>& numa_nodes) {
  Units units;
  for (const int numa_node : numa_nodes) {
    Unit unit{.id = fmt::format("gpu{}", units.size()), .nodes = {"/dev/vfio/1"}};
    if (numa_node >= 0) unit.numa_nodes = {numa_node};
    units.push_back(std::move(unit));
  }
  return units;
}

Ids all_ids(const Units& units) {
  Ids ids;
  for (const Unit& unit : units)
    ids.push_back(unit.id);
  return ids;
}

TEST(Preference, WhatMustBeIncludedComesFirstAndTheRestFromItsNumaNode) {
  const Units units = units_on({0, 0, 0, 1, 1});
  EXPECT_THAT(prefer(units, {.available = all_ids(units), .must_include = {"gpu4"}, .size = 2}).value(),
              ElementsAre("gpu4", "gpu3"));
}

TEST(Preference, TheSmallestNumaNodeThatIsEnoughIsUsedUp) {
  const Units units = units_on({0, 0, 0, 1, 1});
  EXPECT_THAT(prefer(units, {.available = all_ids(units), .must_include = {}, .size = 2}).value(),
              ElementsAre("gpu3", "gpu4"));
  EXPECT_THAT(prefer(units, {.available = all_ids(units), .must_include = {}, .size = 3}).value(),
              ElementsAre("gpu0", "gpu1", "gpu2"));
}

TEST(Preference, AsFewNumaNodesAsPossibleWhenOneIsNotEnough) {
  const Units units = units_on({0, 1, 1, 2, 2, 2});
  EXPECT_THAT(prefer(units, {.available = all_ids(units), .must_include = {}, .size = 5}).value(),
              UnorderedElementsAre("gpu3", "gpu4", "gpu5", "gpu1", "gpu2"));
}

TEST(Preference, OnlyWhatIsAvailableIsChosen) {
  const Units units = units_on({0, 0, 1, 1});
  EXPECT_THAT(prefer(units, {.available = {"gpu1", "gpu2"}, .must_include = {}, .size = 2}).value(),
              UnorderedElementsAre("gpu1", "gpu2"));
  EXPECT_FALSE(prefer(units, {.available = {"gpu1", "unknown"}, .must_include = {}, .size = 2}));
  EXPECT_FALSE(prefer(units, {.available = {}, .must_include = {"gpu0", "gpu1"}, .size = 1}));
  EXPECT_THAT(prefer(units, {.available = {}, .must_include = {}, .size = 0}).value(), IsEmpty());
}

TEST(Preference, DevicesWithoutANumaNodeAreNotMixedInNeedlessly) {
  const Units units = units_on({-1, 0, -1, 0});
  EXPECT_THAT(prefer(units, {.available = all_ids(units), .must_include = {"gpu1"}, .size = 2}).value(),
              ElementsAre("gpu1", "gpu3"));
}

// ---- names ----

TEST(ResourceName, IsWhatKubernetesAccepts) {
  for (const std::string name : {"nvidia.com/pgpu", "nvidia.com/GH100_GH200_120GB___480GB", "a.b-c.example/x",
                                 "nvidia.com/x", "nvidia.com/"})
    EXPECT_EQ(problem_of_resource_name(name).has_value(), name.ends_with("/")) << name;
  for (const std::string name : {"", "pgpu", "/pgpu", "nvidia.com/_x", "nvidia.com/x_", "nvidia.com/a b",
                                 "nvidia.com/2330", "nvidia.com/a.b", "nvidia.com/a/b", "Nvidia.com/x",
                                 "-nvidia.com/x", "nvidia..com/x", "kubernetes.io/x", "x.kubernetes.io/y",
                                 "requests.nvidia.com/x", "nvidia.com/../x", "nvidia.com/\xc3\xa4"})
    EXPECT_TRUE(problem_of_resource_name(name)) << name;
  EXPECT_FALSE(problem_of_resource_name("nvidia.com/" + std::string(63, 'x')));
  EXPECT_TRUE(problem_of_resource_name("nvidia.com/" + std::string(64, 'x')));
}

TEST(ResourceName, EachHasItsOwnSocket) {
  EXPECT_EQ(socket_name("nvidia.com/pgpu"), "nvccd-pgpu.sock");
  EXPECT_EQ(socket_name("example.com/pgpu"), "nvccd-example.com_pgpu.sock");
}

TEST(ResourceName, ThatIsTooLongForASocketIsAnErrorThatSaysSo) {
  const std::string name(63, 'x');
  EXPECT_LT(("/var/lib/kubelet/device-plugins/" + socket_name("nvidia.com/" + name)).size(), 108U)
      << "the longest name does not fit in the usual directory";
  const auto started = ResourceServer::start("nvidia.com/" + name, "/tmp/" + std::string(108, 'x'), {}, {});
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().cause, HasSubstr("too long for a socket"));
}

}  // namespace
}  // namespace nvccd::test
