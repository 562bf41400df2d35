// Who uses a device. In doubt it is in use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host_tree.h"
#include "pci/driver_use.h"
#include "pci/vfio_group.h"

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
  std::filesystem::remove(host.paths().dev + "/vfio/65");
  EXPECT_TRUE(groups.hold(65)) << "still held, so it must not be opened again";
  first->reset();
  EXPECT_FALSE(groups.hold(65));
}

TEST_F(Use, AGroupWithoutANodeIsAnErrorThatNamesIt) {
  VfioGroups groups(host.paths());
  const auto held = groups.hold(65);
  ASSERT_FALSE(held);
  EXPECT_THAT(held.error().message(), HasSubstr("/vfio/65: No such file or directory"));
}

}  // namespace
}  // namespace nvccd
