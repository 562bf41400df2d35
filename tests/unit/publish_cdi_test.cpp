#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "daemon/publish/cdi_specification.h"
#include "tests/support/fake_manager.h"

namespace nvccd::test {
namespace {

using Json = nlohmann::json;

class CdiSpecificationTest : public testing::Test {
 protected:
  void add(DeviceSnapshot device) { devices.insert_or_assign(device.address, device); }
  Json specification(const std::string& kind) const {
    const auto all = cdi_specifications(devices, aliases);
    const auto found = all.find(kind);
    return found == all.end() ? Json() : Json::parse(found->second);
  }
  static DeviceSnapshot gpu(const std::string& address, int group, const std::string& node = "") {
    DeviceSnapshot device = hopper_gpu(address);
    device.iommu_group = group;
    device.vfio_group = "/dev/vfio/" + std::to_string(group);
    device.vfio_device = node;
    return device;
  }

  std::map<PciAddress, DeviceSnapshot> devices;
  ResourceAliases aliases;
};

TEST_F(CdiSpecificationTest, NamesADeviceLikeTheDevicePluginDoes) {
  add(gpu("0000:65:00.0", 65, "/dev/vfio/devices/vfio3"));
  EXPECT_EQ(specification("nvidia.com/pgpu"), Json::parse(R"({
    "cdiVersion": "0.5.0", "kind": "nvidia.com/pgpu",
    "devices": [{"name": "0000-65-00.0",
                 "containerEdits": {"deviceNodes": [{"path": "/dev/vfio/devices/vfio3"}]}}]})"));
}

TEST_F(CdiSpecificationTest, WithoutIommufdTheGroupIsTheDevice) {
  add(gpu("0000:65:00.0", 65));
  EXPECT_EQ(specification("nvidia.com/pgpu")["devices"][0]["containerEdits"]["deviceNodes"],
            Json::parse(R"([{"path": "/dev/vfio/vfio"}, {"path": "/dev/vfio/65"}])"));
}

TEST_F(CdiSpecificationTest, EachKindHasItsOwn) {
  add(gpu("0000:65:00.0", 65));
  DeviceSnapshot nvswitch = ls10_switch("0000:07:00.0");
  nvswitch.iommu_group = 7;
  add(nvswitch);
  EXPECT_EQ(specification("nvidia.com/pgpu")["devices"].size(), 1U);
  EXPECT_EQ(specification("nvidia.com/nvswitch")["devices"][0]["name"], "0000-07-00.0");
}

TEST_F(CdiSpecificationTest, OnlyHealthyDevicesCanBeHad) {
  add(gpu("0000:65:00.0", 65));
  DeviceSnapshot failed = gpu("0000:66:00.0", 66);
  failed.state = DeviceState::failed;
  add(failed);
  EXPECT_EQ(specification("nvidia.com/pgpu")["devices"].size(), 1U);
  devices.erase(devices.begin());
  EXPECT_TRUE(specification("nvidia.com/pgpu").is_null()) << "a specification without devices is not valid";
}

TEST_F(CdiSpecificationTest, DevicesOfOneGroupAreHadTogetherOrNotAtAll) {
  add(gpu("0000:65:00.0", 65, "/dev/vfio/devices/vfio0"));
  add(gpu("0000:65:00.1", 65, "/dev/vfio/devices/vfio1"));
  const Json together = specification("nvidia.com/pgpu")["devices"];
  ASSERT_EQ(together.size(), 1U);
  EXPECT_EQ(together[0]["name"], "0000-65-00.0");
  EXPECT_EQ(together[0]["containerEdits"]["deviceNodes"].size(), 2U);

  devices.begin()->second.state = DeviceState::busy;
  EXPECT_TRUE(specification("nvidia.com/pgpu").is_null());
}

TEST_F(CdiSpecificationTest, WithoutAnAliasEachModelIsAKind) {
  aliases.pgpu_alias = "";
  add(gpu("0000:65:00.0", 65));
  EXPECT_FALSE(specification("nvidia.com/GH100_H100_SXM5_80GB").is_null());
}

TEST_F(CdiSpecificationTest, AModelKnownByItsNumberOnlyHasNoNameThatCdiAccepts) {
  aliases.pgpu_alias = "";
  DeviceSnapshot unknown = gpu("0000:65:00.0", 65);
  unknown.device_id = 0x3182;
  unknown.name = "Device 3182";
  add(unknown);
  EXPECT_TRUE(cdi_specifications(devices, aliases).empty());
}

}  // namespace
}  // namespace nvccd::test
