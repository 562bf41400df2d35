// Who uses a device. In doubt it is in use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host_tree.h"
#include "pci/driver_use.h"
#include "pci/file_holders.h"
#include "pci/vfio_group.h"

namespace nvccd {
namespace {

using testing::HasSubstr;

constexpr PciAddress gpu{0, 0x65, 0, 0};

class Use : public testing::Test {
 protected:
  void process(const char* pid, const char* name, const std::string& open_file) {
    const auto directory = std::filesystem::path(host.paths().proc) / pid;
    host.write(directory / "comm", std::string(name) + "\n");
    host.link(directory / "fd/0", "/dev/null");
    host.link(directory / "fd/7", open_file);
  }
  void module(const char* name, const char* users, std::initializer_list<const char*> holders = {}) {
    const auto directory = std::filesystem::path(host.paths().sys) / "module" / name;
    host.write(directory / "refcnt", users);
    for (const char* holder : holders)
      std::filesystem::create_directories(directory / "holders" / holder);
  }
  std::optional<std::string> use(const char* driver) { return find_driver_use(host.paths(), gpu, driver); }

  test::HostTree host;
};

TEST_F(Use, AHolderOfANodeIsNamedWithItsPid) {
  process("4711", "qemu-system-x86", host.paths().dev + "/vfio/65");
  EXPECT_EQ(find_holder(host.paths(), host.paths().dev + "/vfio/65"), "qemu-system-x86 (pid 4711)");
  EXPECT_EQ(find_holder(host.paths(), host.paths().dev + "/vfio/6"), std::nullopt);
}

TEST_F(Use, WhatIsNoProcessDoesNotMatter) {
  process("self", "me", host.paths().dev + "/vfio/65");
  host.write(host.paths().proc + "/meminfo", "");
  EXPECT_EQ(find_holder(host.paths(), host.paths().dev + "/vfio/65"), std::nullopt);
}

TEST_F(Use, AProcessThatEndsMeanwhileDoesNotMatter) {
  std::filesystem::create_directories(host.paths().proc + "/1");  // its fd directory is gone already
  process("2", "next", host.paths().dev + "/vfio/65");
  std::filesystem::remove(host.paths().proc + "/2/comm");
  EXPECT_EQ(find_holder(host.paths(), host.paths().dev + "/vfio/65"), "a process (pid 2)");
}

TEST_F(Use, AnIdleModuleIsNotUsed) {
  module("nouveau", "0\n");
  EXPECT_EQ(use("nouveau"), std::nullopt);
}

TEST_F(Use, ModulesThatBuildOnItAreNoUsers) {
  module("nvidia", "2\n", {"nvidia_uvm", "nvidia_modeset"});
  EXPECT_EQ(use("nvidia"), std::nullopt);
}

TEST_F(Use, AnyUserMoreThanThoseCounts) {
  module("nvidia", "3\n", {"nvidia_uvm", "nvidia_modeset"});
  EXPECT_EQ(use("nvidia"), "module nvidia has 1 user(s)");
}

TEST_F(Use, AModuleWhoseUseCannotBeReadIsInUse) {
  EXPECT_THAT(use("nvidia").value_or(""), HasSubstr("its use count cannot be read"));
  module("nvidia", "many\n");
  EXPECT_THAT(use("nvidia").value_or(""), HasSubstr("its use count cannot be read"));
}

TEST_F(Use, SomebodyWithADrmNodeOfTheDeviceUsesIt) {
  module("nouveau", "0\n");
  std::filesystem::create_directories(host.paths().device(gpu) / "drm/renderD128");
  process("42", "Xorg", host.paths().dev + "/dri/renderD128");
  EXPECT_EQ(use("nouveau"), "Xorg (pid 42) has " + host.paths().dev + "/dri/renderD128 open");
}

TEST_F(Use, ADrmNodeOfAnotherDeviceDoesNotMatter) {
  module("nouveau", "0\n");
  std::filesystem::create_directories(host.paths().device(gpu) / "drm/renderD128");
  process("42", "Xorg", host.paths().dev + "/dri/renderD129");
  EXPECT_EQ(use("nouveau"), std::nullopt);
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
