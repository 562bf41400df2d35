// What nvccctl check --fix does: it mends what was found, keeps what others wrote, and does nothing where all
// is well.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "preflight/repair.h"
#include "preflight_broken.h"

namespace nvccd::preflight {
namespace {

using test::GoodHost;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto deny_file = "/etc/modprobe.d/nvccd-deny.conf";
constexpr auto drop_in = "/etc/kubernetes/kubelet.conf.d/99-nvccd.conf";

class Repairs : public testing::Test {
 protected:
  HostView view() const { return HostView(host.root()); }
  static std::vector<Repair> plan(const Input& input) {
    const auto subject = look_over(input);
    return plan_repairs(subject, judge(subject));
  }
  std::vector<Repair> plan() { return plan(host.input()); }
  CheckResult result(std::string_view id) {
    const auto findings = run(host.input());
    const auto* finding = test::find(findings, id);
    return finding == nullptr ? CheckResult::skip : finding->result;
  }
  std::string content(const std::string& file) { return view().read(file).value_or(""); }

  GoodHost host;
};

TEST_F(Repairs, NothingIsMendedWhereAllIsWell) {
  EXPECT_THAT(plan(), IsEmpty());
}

TEST_F(Repairs, DisplayDriversAreDenied) {
  host.remove("/etc/modprobe.d/blacklist.conf");
  const auto repairs = plan();
  ASSERT_EQ(repairs.size(), 1U);
  EXPECT_EQ(repairs[0].file, deny_file);
  EXPECT_THAT(repairs[0].findings, ElementsAre("driver.autoload"));
  EXPECT_THAT(repairs[0].description(), HasSubstr(deny_file));
  EXPECT_THAT(repairs[0].afterwards, HasSubstr("initramfs"));
  EXPECT_EQ(apply(repairs[0], view()).value_or("failed"), "");
  EXPECT_EQ(result("driver.autoload"), CheckResult::ok);
  EXPECT_THAT(plan(), IsEmpty());
}

TEST_F(Repairs, NoDriverIsDeniedThatADeviceOfTheHostMayNeed) {
  host.remove("/etc/modprobe.d/blacklist.conf");
  auto input = host.input();
  test::exclude_a_gpu(host, input);
  EXPECT_THAT(plan(input), IsEmpty());
  // What they exclude is not known.
  input.settings = std::unexpected(Error{.cause = "nvccd.toml:3:5: no such mode"});
  EXPECT_THAT(plan(input), IsEmpty());
}

TEST_F(Repairs, TheKubeletGetsADropIn) {
  host.remove("/etc/kubernetes/kubelet.conf.d/50-kata.conf");
  const auto repairs = plan();
  ASSERT_EQ(repairs.size(), 1U);
  EXPECT_EQ(repairs[0].file, drop_in);
  EXPECT_THAT(repairs[0].findings, ElementsAre("kubelet.request-timeout", "kubelet.runtime-class-image"));
  EXPECT_THAT(repairs[0].afterwards, HasSubstr("restart kubelet"));
  ASSERT_TRUE(apply(repairs[0], view()));
  for (const auto* id :
       {"kubelet.request-timeout", "kubelet.runtime-class-image", "kubelet.pod-resources-get"})
    EXPECT_EQ(result(id), CheckResult::ok) << id;
}

TEST_F(Repairs, ASecondRepairOfTheKubeletKeepsTheFirst) {
  host.remove("/etc/kubernetes/kubelet.conf.d/50-kata.conf");
  ASSERT_TRUE(apply(plan().at(0), view()));
  auto changed = content(drop_in);
  changed.replace(changed.find("PodResourcesGet: true"), 21, "PodResourcesGet: false");
  host.write(drop_in, changed);
  const auto repairs = plan();
  ASSERT_EQ(repairs.size(), 1U);
  ASSERT_EQ(apply(repairs[0], view()).value_or("failed"), "");  // the file was ours: no copy
  EXPECT_THAT(content(drop_in), HasSubstr("runtimeRequestTimeout: 20m\n"));
  EXPECT_THAT(content(drop_in), HasSubstr("  RuntimeClassInImageCriApi: true\n"));
  EXPECT_THAT(content(drop_in), HasSubstr("  KubeletPodResourcesGet: true\n"));
}

TEST_F(Repairs, AKubeletWhoseOptionsWinOverFilesIsLeftAlone) {
  host.add_process("800", {"kubelet", "--config=/etc/kubernetes/kubelet.yaml",
                           "--config-dir=/etc/kubernetes/kubelet.conf.d", "--runtime-request-timeout=1m"});
  EXPECT_THAT(plan(), IsEmpty());
}

TEST_F(Repairs, AGateThatNewerKubeletsHaveOnIsNotSet) {
  host.write("/etc/kubernetes/kubelet.yaml", "kind: KubeletConfiguration\n");
  EXPECT_THAT(plan(), IsEmpty());
}

TEST_F(Repairs, AKubeletWithoutDropInsIsLeftAlone) {
  host.add_process("800", {"kubelet", "--config=/etc/kubernetes/kubelet.yaml"});
  EXPECT_THAT(plan(), IsEmpty());
}

TEST_F(Repairs, AModuleThatTheKernelHasIsLoaded) {
  host.remove("/sys/class/misc/iommu");
  EXPECT_THAT(plan(), IsEmpty());
  host.add_module("iommufd");
  const auto repairs = plan();
  ASSERT_EQ(repairs.size(), 1U);
  EXPECT_EQ(repairs[0].module, "iommufd");
  EXPECT_EQ(repairs[0].description(), "load kernel module iommufd");
}

TEST_F(Repairs, WhatSomebodyElseWroteIsKept) {
  host.remove("/etc/modprobe.d/blacklist.conf");
  host.write(deny_file, "# mine\n");
  const auto copy = apply(plan().at(0), view());
  ASSERT_TRUE(copy) << copy.error().message();
  EXPECT_EQ(*copy, std::string(deny_file) + ".before-nvccd");
  EXPECT_EQ(content(*copy), "# mine\n");
}

TEST_F(Repairs, NoCopyIsWrittenOver) {
  host.remove("/etc/modprobe.d/blacklist.conf");
  host.write(deny_file, "# mine\n");
  host.write(std::string(deny_file) + ".before-nvccd", "# older\n");
  const auto repair = plan().at(0);
  EXPECT_FALSE(apply(repair, view()));
  EXPECT_EQ(content(deny_file), "# mine\n");
  EXPECT_EQ(content(std::string(deny_file) + ".before-nvccd"), "# older\n");
}

TEST_F(Repairs, WhatCannotBeReadIsNotReplaced) {
  host.remove("/etc/modprobe.d/blacklist.conf");
  const auto repair = plan().at(0);
  ASSERT_EQ(::mkfifo(host.path(deny_file).c_str(), 0600), 0);
  EXPECT_FALSE(apply(repair, view()));
  EXPECT_TRUE(std::filesystem::is_fifo(host.path(deny_file)));
}

}  // namespace
}  // namespace nvccd::preflight
