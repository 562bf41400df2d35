// The processor, the IOMMU, the PCI devices and what the kernel says of them, red and green.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "preflight_broken.h"

namespace nvccd::preflight {
namespace {

using namespace test::results;
using test::Case;
using test::GoodHost;

// ---- host ----

const Case host_cases[] = {
    {"SnpSwitchedOff", "host.confidential", fails, "SEV-SNP",
     [](GoodHost& host, Input&) { host.write("/sys/module/kvm_amd/parameters/sev_snp", "N\n"); }},
    {"TdxSwitchedOff", "host.confidential", fails, "TDX",
     [](GoodHost& host, Input&) {
       host.remove("/sys/module/kvm_amd");
       host.write("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tdx_host_platform\n");
     }},
    {"TdxOn", "host.confidential", passes, "TDX",
     [](GoodHost& host, Input&) { host.write("/sys/module/kvm_intel/parameters/tdx", "Y\n"); }},
    {"OrdinaryProcessor", "host.confidential", warns, "neither",
     [](GoodHost& host, Input&) {
       host.remove("/sys/module/kvm_amd");
       host.write("/proc/cpuinfo", "flags\t\t: fpu\n");
     }},
    {"NobodyWantsConfidentialGuests", "host.confidential", skips, "off",
     [](GoodHost& host, Input& input) {
       host.remove("/sys/module/kvm_amd");
       input.settings->settings.mode.default_mode = Mode::off;
     }},
    {"NodeModeOffSetAtRunTime", "host.confidential", skips, "off",
     [](GoodHost& host, Input& input) {
       host.remove("/sys/module/kvm_amd");
       input.daemon->node.node_mode = Mode::off;
     }},
    {"NoSecureProcessor", "host.confidential", fails, "/dev/sev",
     [](GoodHost& host, Input&) { host.remove("/sys/class/misc/sev"); }},
    {"NoAddressSpacesForGuests", "host.guests", warns, "SEV-ES/SNP",
     [](GoodHost& host, Input&) { host.write("/sys/fs/cgroup/misc.capacity", "sev 509\nsev_es 0\n"); }},
    {"GuestsAreNotCounted", "host.guests", skips, "misc",
     [](GoodHost& host, Input&) { host.remove("/sys/fs/cgroup/misc.capacity"); }},
    {"NoKvm", "host.kvm", fails, "/dev/kvm",
     [](GoodHost& host, Input&) { host.remove("/sys/class/misc/kvm"); }},
    {"LockedDown", "host.lockdown", fails, "locked down",
     [](GoodHost& host, Input&) {
       host.write("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
     }},
    {"NoLockdownInThisKernel", "host.lockdown", passes, "no lockdown",
     [](GoodHost& host, Input&) {
       host.remove("/sys/kernel/security/lockdown");
       host.write("/sys/kernel/security/lsm", "");
     }},
    {"NoSecurityfs", "host.lockdown", skips, "securityfs",
     [](GoodHost& host, Input&) { host.remove("/sys/kernel/security"); }},
    {"NoIommu", "iommu.enabled", fails, "IOMMU is off",
     [](GoodHost& host, Input&) { host.remove("/sys/kernel/iommu_groups"); }},
    {"VfioWithoutIommu", "iommu.enabled", fails, "without an IOMMU",
     [](GoodHost& host, Input&) {
       host.write("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
     }},
    {"PassthroughWithSnp", "iommu.passthrough", fails, "passthrough",
     [](GoodHost& host, Input&) {
       for (const auto* group : {"1", "65"})
         host.write(std::string("/sys/kernel/iommu_groups/") + group + "/type", "identity\n");
     }},
    {"PassthroughWithTdxDoesNoHarm", "iommu.passthrough", passes, "no harm",
     [](GoodHost& host, Input&) {
       host.write("/proc/cpuinfo", "flags\t\t: fpu tdx_host_platform\n");
       host.write("/sys/module/kvm_intel/parameters/tdx", "Y\n");
       for (const auto* group : {"1", "65"})
         host.write(std::string("/sys/kernel/iommu_groups/") + group + "/type", "identity\n");
     }},
    // What the kernel did counts.
    {"CommandLineIsNoProof", "iommu.passthrough", passes, "translates",
     [](GoodHost& host, Input&) { host.write("/proc/cmdline", "iommu=pt\n"); }},
    {"NoIommufd", "iommufd.kernel", fails, "/dev/iommu",
     [](GoodHost& host, Input&) { host.remove("/sys/class/misc/iommu"); }},
    {"NoIommufdForOrdinaryGuests", "iommufd.kernel", skips, "only confidential",
     [](GoodHost& host, Input& input) {
       host.remove("/sys/class/misc/iommu");
       input.settings->settings.mode.default_mode = Mode::off;
     }},
};

// ---- devices on their own ----

const Case isolation_cases[] = {
    {"DeviceWithoutGroup", "iommu.groups", fails, "no IOMMU group: 0000:65:00.0",
     [](GoodHost& host, Input&) { host.remove(GoodHost::sysfs(GoodHost::gpu) + "/iommu_group"); }},
    {"TwoGpusInOneGroup", "iommu.groups", fails, "0000:65:00.0 with 0000:66:00.0 (group 65)",
     [](GoodHost& host, Input&) {
       constexpr PciAddress other{0, 0x66, 0, 0};
       host.add_function(other, "/sys/devices/pci0000:00/0000:00:01.0", "0x10de", "0x2330", "0x030200");
       host.put_into_group(other, "65");
     }},
    {"NetworkCardInTheGroup", "iommu.groups", fails, "with 0000:66:00.0",
     [](GoodHost& host, Input&) {
       constexpr PciAddress other{0, 0x66, 0, 0};
       host.add_function(other, "/sys/devices/pci0000:00", "0x8086", "0x1521", "0x020000");
       host.put_into_group(other, "65");
     }},
    {"ABridgeInTheGroupDoesNoHarm", "iommu.groups", passes, "of its own",
     [](GoodHost& host, Input&) { host.put_into_group(GoodHost::bridge, "65"); }},
    {"AcsOff", "iommu.acs", warns, "bridge 0000:00:01.0",
     [](GoodHost& host, Input&) {
       host.write(GoodHost::sysfs(GoodHost::bridge) + "/config", GoodHost::config_with_acs(0x01));
     }},
    {"AcsOnlyPretended", "iommu.acs", warns, "pcie_acs_override=downstream",
     [](GoodHost& host, Input&) { host.write("/proc/cmdline", "quiet pcie_acs_override=downstream\n"); }},
    {"BridgeWithoutAcs", "iommu.acs", passes, "where the bridges have it",
     [](GoodHost& host, Input&) {
       host.write(GoodHost::sysfs(GoodHost::bridge) + "/config", std::string(4096, '\0'));
     }},
    {"ConfigurationSpaceMayNotBeRead", "iommu.acs", skips, "0000:00:01.0",
     [](GoodHost& host, Input&) {
       host.write(GoodHost::sysfs(GoodHost::bridge) + "/config", std::string(64, '\0'));
     }},
    {"NoIommufdNode", "iommufd.devices", fails, "0000:65:00.0",
     [](GoodHost& host, Input&) { host.remove(GoodHost::sysfs(GoodHost::gpu) + "/vfio-dev"); }},
    {"NoIommufdNodeForOrdinaryGuests", "iommufd.devices", skips, "only confidential",
     [](GoodHost& host, Input& input) {
       host.remove(GoodHost::sysfs(GoodHost::gpu) + "/vfio-dev");
       input.settings->settings.mode.default_mode = Mode::off;
     }},
    {"NothingBound", "iommufd.devices", skips, "no device is bound",
     [](GoodHost& host, Input&) { host.remove(GoodHost::sysfs(GoodHost::gpu) + "/driver"); }},
};

const Case device_cases[] = {
    {"DeviceReadsAsOnes", "device.responding", fails, "0000:65:00.0",
     [](GoodHost& host, Input&) {
       host.write(GoodHost::sysfs(GoodHost::gpu) + "/config", std::string(4096, '\xff'));
     }},
    {"DeviceThatCannotBeAsked", "device.responding", skips, "0000:65:00.0",
     [](GoodHost& host, Input&) { host.remove(GoodHost::sysfs(GoodHost::gpu) + "/config"); }},
    {"LinkThatNobodyKnows", "device.link", skips, "does not say",
     [](GoodHost& host, Input&) { host.remove(GoodHost::sysfs(GoodHost::gpu) + "/current_link_width"); }},
    {"BarWithoutPlace", "device.memory", fails, "0000:65:00.0",
     [](GoodHost& host, Input&) {
       host.write(GoodHost::sysfs(GoodHost::gpu) + "/resource",
                  "0x0000032042000000 0x0000032042ffffff 0x000000000014220c\n"
                  "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                  "0x0000000000000000 0x0000001fffffffff 0x000000002014220c\n");
     }},
    // Bit n of the sizes is 2^n MiB: 128 GiB are the most here.
    {"BarAsLargeAsItCanBe", "device.memory", passes, "has its place",
     [](GoodHost& host, Input&) {
       host.write(GoodHost::sysfs(GoodHost::gpu) + "/resource2_resize", "000000000003ffc0\n");
     }},
    {"BarSmallerThanItCouldBe", "device.memory", warns, "BAR 2 of 0000:65:00.0 has 128 GiB of 256 GiB",
     [](GoodHost& host, Input&) {
       host.write(GoodHost::sysfs(GoodHost::gpu) + "/resource2_resize", "000000000007ffc0\n");
     }},
    {"BarWhoseSizesNobodyKnows", "device.memory", passes, "has its place",
     [](GoodHost& host, Input&) {
       host.write(GoodHost::sysfs(GoodHost::gpu) + "/resource2_resize", "0000000000000000\n");
       host.write(GoodHost::sysfs(GoodHost::gpu) + "/resource4_resize", "large\n");
     }},
    {"LinkDown", "device.link", fails, "no PCIe link",
     [](GoodHost& host, Input&) {
       host.write(GoodHost::sysfs(GoodHost::gpu) + "/current_link_width", "0\n");
     }},
    {"LinkNarrow", "device.link", warns, "x8 at 32.0 GT/s PCIe of x16",
     [](GoodHost& host, Input&) {
       host.write(GoodHost::sysfs(GoodHost::gpu) + "/current_link_width", "8\n");
     }},
    {"LinkSlow", "device.link", warns, "8.0 GT/s",
     [](GoodHost& host, Input&) {
       host.write(GoodHost::sysfs(GoodHost::gpu) + "/current_link_speed", "8.0 GT/s PCIe\n");
     }},
    {"LinkOfASleepingDeviceMayBeSlow", "device.link", passes, "full",
     [](GoodHost& host, Input&) {
       host.write(GoodHost::sysfs(GoodHost::gpu) + "/current_link_speed", "2.5 GT/s PCIe\n");
       host.write(GoodHost::sysfs(GoodHost::gpu) + "/power_state", "D3hot\n");
     }},
    {"NoReset", "device.reset", fails, "0000:65:00.0",
     [](GoodHost& host, Input&) { host.remove(GoodHost::sysfs(GoodHost::gpu) + "/reset"); }},
};

// ---- the kernel's log ----

const Case kernel_log_cases[] = {
    {"WarningAboutADevice", "kernel.log", warns,
     "the kernel warns: vfio-pci 0000:65:00.0: not ready 65535ms after FLR; giving up",
     [](GoodHost& host, Input&) {
       host.write("/dev/kmsg", "4,9,1,-;vfio-pci 0000:65:00.0: not ready 65535ms after FLR; giving up\n");
     }},
    {"SnpCannotBeSupported", "kernel.log", warns, "SNP cannot be supported",
     [](GoodHost& host, Input&) {
       host.write("/dev/kmsg",
                  "3,9,1,-;AMD-Vi: SNP: IOMMU SNP feature not enabled, SNP cannot be supported.\n");
     }},
    {"TdxModuleBroken", "kernel.log", warns, "virt/tdx",
     [](GoodHost& host, Input&) {
       host.write("/dev/kmsg", "3,9,1,-;virt/tdx: module initialization failed (-5)\n");
     }},
    {"NobodyWantsConfidentialGuestsOfTheLog", "kernel.log", passes, "neither",
     [](GoodHost& host, Input& input) {
       host.write("/dev/kmsg", "3,9,1,-;virt/tdx: module initialization failed (-5)\n");
       input.settings->settings.mode.default_mode = Mode::off;
     }},
    {"AProgramWroteIntoTheLog", "kernel.log", passes, "neither",
     [](GoodHost& host, Input&) { host.write("/dev/kmsg", "12,9,1,-;tool[7]: 0000:65:00.0 is slow\n"); }},
    {"TheSameWarningTwice", "kernel.log", warns,
     "the kernel warns: SNP: one; SNP: two; SNP: three; and 2 more",
     [](GoodHost& host, Input&) {
       std::string log;
       for (const auto* text : {"one", "two", "one", "three", "four", "five"})
         log += std::string("4,9,1,-;SNP: ") + text + "\n";
       host.write("/dev/kmsg", log);
     }},
    {"LogIsNoLog", "kernel.log", passes, "neither",
     [](GoodHost& host, Input&) {
       host.write("/dev/kmsg", std::string("4;SNP\n,;SNP\n-1,2;SNP\n\0\xff", 23));
     }},
    {"LogCannotBeRead", "kernel.log", skips, "cannot open the kernel log",
     [](GoodHost& host, Input&) { host.remove("/dev/kmsg"); }},
};

class Platform : public testing::TestWithParam<Case> {};

TEST_P(Platform, IsFound) {
  test::expect_found(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Host, Platform, testing::ValuesIn(host_cases), test::by_name);
INSTANTIATE_TEST_SUITE_P(Isolation, Platform, testing::ValuesIn(isolation_cases), test::by_name);
INSTANTIATE_TEST_SUITE_P(Device, Platform, testing::ValuesIn(device_cases), test::by_name);
INSTANTIATE_TEST_SUITE_P(KernelLog, Platform, testing::ValuesIn(kernel_log_cases), test::by_name);

}  // namespace
}  // namespace nvccd::preflight
