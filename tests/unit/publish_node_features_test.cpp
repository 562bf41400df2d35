#include "common/formats/node_features.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/fake_manager.h"

namespace nvccd::test {
namespace {

class NodeFeaturesTest : public testing::Test {
 protected:
  void add(DeviceSnapshot device) { devices.insert_or_assign(device.address, device); }
  // As node-feature-discovery reads its files.
  std::map<std::string, std::string> labels() const {
    std::map<std::string, std::string> found;
    std::istringstream lines(node_features(node, devices));
    for (std::string line; std::getline(lines, line);) {
      if (line.empty() || line.starts_with('#')) continue;
      const auto equals = line.find('=');
      found[line.substr(0, equals)] = line.substr(equals + 1);
    }
    return found;
  }

  NodeState node;
  std::map<PciAddress, DeviceSnapshot> devices;
};

TEST_F(NodeFeaturesTest, SayTheModeAndWhetherTheNodeIsReady) {
  node.mode_state = ModeState::ppcie;
  node.ready = true;
  EXPECT_EQ(labels()["nvidia.com/cc.mode.state"], "ppcie");
  EXPECT_EQ(labels()["nvidia.com/cc.ready.state"], "true");
}

TEST_F(NodeFeaturesTest, AreNeverReadyDuringAChange) {
  node.mode_state = ModeState::transitioning;
  EXPECT_EQ(labels()["nvidia.com/cc.mode.state"], "transitioning");
  EXPECT_EQ(labels()["nvidia.com/cc.ready.state"], "false");
}

TEST_F(NodeFeaturesTest, CountTheManagedDevices) {
  add(hopper_gpu("0000:65:00.0"));
  add(hopper_gpu("0000:66:00.0"));
  add(ls10_switch("0000:07:00.0"));
  DeviceSnapshot excluded = hopper_gpu("0000:67:00.0");
  excluded.state = DeviceState::unmanaged;
  add(excluded);
  const auto found = labels();
  EXPECT_EQ(found.at("nvidia.com/nvccd.gpu.count"), "2");
  EXPECT_EQ(found.at("nvidia.com/nvccd.nvswitch.count"), "1");
  EXPECT_EQ(found.at("nvidia.com/nvccd.gpu.architecture.hopper"), "true");
}

TEST_F(NodeFeaturesTest, CapableOfAModeIsANodeWhoseDevicesAllAre) {
  add(hopper_gpu("0000:65:00.0"));
  add(ls10_switch("0000:07:00.0"));
  EXPECT_EQ(labels()["nvidia.com/nvccd.capable.on"], "true");
  EXPECT_EQ(labels()["nvidia.com/nvccd.capable.ppcie"], "true");

  DeviceSnapshot old_switch = ls10_switch("0000:08:00.0");
  old_switch.supported_modes = {Mode::off};
  add(old_switch);
  EXPECT_EQ(labels()["nvidia.com/nvccd.capable.on"], "true") << "on does not concern switches";
  EXPECT_EQ(labels()["nvidia.com/nvccd.capable.ppcie"], "false");
}

TEST_F(NodeFeaturesTest, ANodeWithoutGpusIsCapableOfNothing) {
  EXPECT_EQ(labels()["nvidia.com/nvccd.capable.on"], "false");
}

}  // namespace
}  // namespace nvccd::test
