// Who uses a device. In doubt it is in use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/host/driver_use.h"
#include "daemon/pci/vfio_group.h"
#include "host_tree.h"

namespace nvccd {
namespace {

using testing::HasSubstr;

constexpr PciAddress gpu{0, 0x65, 0, 0};

class Use : public testing::Test {
 protected:
  void module(const char* name, const char* users, std::initializer_list<const char*> holders = {}) {
    const auto directory = std::filesystem::path(host.paths().sys) / "module" / name;
    host.write(directory / "refcnt", users);
    for (const char* holder : holders)
      std::filesystem::create_directories(directory / "holders" / holder);
  }
  std::optional<std::string> use(const char* driver) { return find_driver_use(host.paths(), driver); }

  test::HostTree host;
};

TEST_F(Use, AnIdleModuleIsNotUsed) {
  module("nouveau", "0\n");
  EXPECT_EQ(use("nouveau"), std::nullopt);
}

TEST_F(Use, ModulesThatBuildOnItAreNoUsers) {
  module("nvidia", "2\n", {"nvidia_uvm", "nvidia_modeset"});
  module("nvidia_uvm", "0\n");
  module("nvidia_modeset", "1\n", {"nvidia_drm"});
  module("nvidia_drm", "0\n");
  EXPECT_EQ(use("nvidia"), std::nullopt);
}

TEST_F(Use, AnyUserMoreThanThoseCounts) {
  module("nvidia", "3\n", {"nvidia_uvm", "nvidia_modeset"});
  module("nvidia_uvm", "0\n");
  module("nvidia_modeset", "0\n");
  EXPECT_EQ(use("nvidia"), "module nvidia has 1 user(s)");
}

TEST_F(Use, AModuleWhoseUseCannotBeReadIsInUse) {
  EXPECT_THAT(use("nvidia").value_or(""), HasSubstr("the use count of module nvidia cannot be read"));
  module("nvidia", "many\n");
  EXPECT_THAT(use("nvidia").value_or(""), HasSubstr("the use count of module nvidia cannot be read"));
}

TEST_F(Use, SomebodyWithADisplayOpenUsesTheDriverBelow) {
  module("nvidia", "1\n", {"nvidia_modeset"});
  module("nvidia_modeset", "1\n", {"nvidia_drm"});
  module("nvidia_drm", "2\n");
  EXPECT_EQ(use("nvidia"), "module nvidia_drm has 2 user(s)");
}

TEST_F(Use, DevicesOfOneGroupShareItsHold) {
  host.group(65, {gpu});
  VfioGroups groups(host.paths());
  auto first = groups.hold(65);
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, groups.hold(65).value());
  std::weak_ptr<VfioGroup> held = *first;
  first->reset();
  EXPECT_TRUE(held.expired()) << "nobody keeps it for nobody";
}

// A plain file stands for the node: of both it is the inode that changes. That the kernel gives a node that
// is made anew another device number is not shown here.
TEST_F(Use, AGroupThatWasDissolvedAndMadeAnewIsOpenedAnew) {
  host.group(65, {gpu});
  VfioGroups groups(host.paths());
  const auto first = groups.hold(65).value();
  EXPECT_TRUE(first->is_current());
  std::filesystem::remove(first->node());
  EXPECT_FALSE(first->is_current());
  EXPECT_FALSE(groups.hold(65)) << "what is held is no hold of anything any more";
  host.write(first->node(), "");
  EXPECT_FALSE(first->is_current());
  const auto second = groups.hold(65);
  ASSERT_TRUE(second);
  EXPECT_NE(*second, first);
  EXPECT_TRUE((*second)->is_current());
  EXPECT_EQ(*second, groups.hold(65).value());
}

TEST_F(Use, AGroupOfTheNoIommuModeIsTakenOnlyByWhoAsksForIt) {
  host.write(host.paths().dev + "/vfio/noiommu-0", "");
  VfioGroups groups(host.paths());
  EXPECT_FALSE(groups.hold(0));
  EXPECT_TRUE(groups.hold(0, true));
}

TEST_F(Use, AGroupWithoutANodeIsAnErrorThatNamesIt) {
  VfioGroups groups(host.paths());
  const auto held = groups.hold(65);
  ASSERT_FALSE(held);
  EXPECT_THAT(held.error().message(), HasSubstr("/vfio/65: No such file or directory"));
}

}  // namespace
}  // namespace nvccd
