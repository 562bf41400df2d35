// Devices that share an IOMMU group: they have one VFIO node, and go to a VM together.
#include "node_fixture.h"

namespace nvccd::test {
namespace {

using emulator::Model;

class GroupTest : public testing::Test, public Node {
 protected:
  GroupTest() {
    settings.mode.default_mode = Mode::on;
    for (unsigned n = 0; n < 3; ++n)
      plug(n, Model::gh100);
    host->share_group(slot(1), slot(0));
    start_daemon();
    run();
  }
};

TEST_F(GroupTest, TheDevicesOfAGroupAreMadeReadyLikeOthers) {
  EXPECT_TRUE(settled);
  EXPECT_TRUE(manager->node().ready) << manager->node().error;
  for (unsigned n = 0; n < 3; ++n) {
    EXPECT_FALSE(device(n).in_use) << n;
    EXPECT_EQ(resets(n), 1) << n;
  }
}

TEST_F(GroupTest, AVmHasAllDevicesOfTheGroup) {
  ASSERT_TRUE(host->take_for_vm(slot(0)));
  run();
  EXPECT_TRUE(device(0).in_use);
  EXPECT_TRUE(device(1).in_use);
  EXPECT_FALSE(device(2).in_use);
  EXPECT_TRUE(manager->node().ready) << "they were verified before it came";

  hardware(1).set_knob(8, 0);  // the guest did that
  hardware(1).latch_now();
  ASSERT_TRUE(host->release_from_vm(slot(0)));
  run();
  EXPECT_FALSE(device(1).in_use);
  EXPECT_EQ(hardware(1).active_mode(), "on") << "both are looked at when the VM has gone";
  EXPECT_TRUE(manager->node().ready);
}

TEST_F(GroupTest, TheNodeChangesItsMode) {
  EXPECT_EQ(set_mode(Mode::devtools).state, JobState::done);
  for (unsigned n = 0; n < 3; ++n)
    EXPECT_EQ(hardware(n).active_mode(), "devtools") << n;
}

}  // namespace
}  // namespace nvccd::test
