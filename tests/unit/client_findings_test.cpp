#include "client/findings.h"

#include <gtest/gtest.h>

namespace nvccd::client {
namespace {

const Findings findings{
    {"kernel.version", CheckResult::ok, "Linux 6.12", ""},
    {"iommu.groups", CheckResult::fail, "the kernel has no IOMMU groups",
     "boot with intel_iommu=on, or amd_iommu=on on AMD"},
    {"host.tdx", CheckResult::skip, "an AMD host", ""},
    {"kernel.modules", CheckResult::warn, "nouveau is loaded", "blacklist it"},
    {"vfio.device", CheckResult::fail, "no cdev", ""},
};

TEST(FindingList, BeginsWithTheTroubleAndCountsTheRest) {
  EXPECT_EQ(render_findings(findings, false, {}),
            "fail  iommu.groups: the kernel has no IOMMU groups\n"
            "      -> boot with intel_iommu=on, or amd_iommu=on on AMD\n"
            "fail  vfio.device: no cdev\n"
            "warn  kernel.modules: nouveau is loaded\n"
            "      -> blacklist it\n"
            "\n"
            "2 failed, 1 warning, 1 ok, 1 skipped; nvccctl check --all lists them\n");
}

TEST(FindingList, HasEverythingWhenAsked) {
  const std::string all = render_findings(findings, true, {});
  EXPECT_TRUE(all.contains("ok    kernel.version: Linux 6.12\n")) << all;
  EXPECT_TRUE(all.contains("skip  host.tdx: an AMD host\n")) << all;
  EXPECT_TRUE(all.ends_with("\n\n2 failed, 1 warning, 1 ok, 1 skipped\n")) << all;
}

TEST(FindingList, IsOneLineWhenNothingIsWrong) {
  EXPECT_EQ(render_findings({findings[0]}, false, {}), "1 ok; nvccctl check --all lists them\n");
  EXPECT_EQ(render_findings({}, false, {}), "0 ok\n");
}

TEST(FindingList, IsWrappedBelowItsText) {
  EXPECT_TRUE(render_findings(findings, false, {.width = 40})
                  .starts_with("fail  iommu.groups: the kernel has no\n"
                               "      IOMMU groups\n"
                               "      -> boot with intel_iommu=on, or\n"
                               "         amd_iommu=on on AMD\n"));
}

TEST(FindingList, HasColourForTroubleOnly) {
  const std::string all = render_findings(findings, true, {.colour = true});
  EXPECT_TRUE(all.contains("\033[31mfail\033[0m  iommu")) << all;
  EXPECT_TRUE(all.contains("\033[33mwarn\033[0m  kernel")) << all;
  EXPECT_TRUE(all.contains("\nok    kernel")) << all;
}

TEST(FindingList, AWarningAloneIsNoFailure) {
  EXPECT_TRUE(has_failed(findings));
  EXPECT_FALSE(has_failed({findings[0], findings[2], findings[3]}));
}

}  // namespace
}  // namespace nvccd::client
