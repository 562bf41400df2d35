// Every check, red and green: on a good host all pass, and each thing that is broken shows in its own check.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>
#include <set>

#include "preflight_host.h"

namespace nvccd::preflight {
namespace {

using test::GoodHost;
using testing::HasSubstr;

std::string describe(const Finding& finding) {
  return finding.id + " is " + std::string(to_string(finding.result)) + ": " + finding.found;
}

const Finding* find(const Findings& findings, std::string_view id) {
  for (const auto& finding : findings)
    if (finding.id == id) return &finding;
  return nullptr;
}

TEST(Preflight, AllIsWellOnAGoodHost) {
  GoodHost host;
  for (const auto& finding : run(host.input())) {
    EXPECT_EQ(finding.result, CheckResult::ok) << describe(finding);
    EXPECT_EQ(finding.advice, "") << finding.id;
  }
}

struct Case {
  const char* name;
  const char* id;
  CheckResult result;
  const char* found;  // part of what is said
  std::function<void(GoodHost&, Input&)> change;
};

class Broken : public testing::TestWithParam<Case> {};

TEST_P(Broken, IsFound) {
  GoodHost host;
  auto input = host.input();
  GetParam().change(host, input);
  const auto findings = run(input);
  const auto* finding = find(findings, GetParam().id);
  ASSERT_NE(finding, nullptr) << GetParam().id;
  EXPECT_EQ(finding->result, GetParam().result) << describe(*finding);
  EXPECT_THAT(finding->found, HasSubstr(GetParam().found));
  // Trouble comes with what to do about it, and nothing else does.
  const bool trouble = finding->result == CheckResult::warn || finding->result == CheckResult::fail;
  EXPECT_EQ(!finding->advice.empty(), trouble) << finding->id;
}

constexpr auto fails = CheckResult::fail;
constexpr auto warns = CheckResult::warn;
constexpr auto skips = CheckResult::skip;
constexpr auto passes = CheckResult::ok;

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
    {"BarWithoutPlace", "device.memory", fails, "0000:65:00.0",
     [](GoodHost& host, Input&) {
       host.write(GoodHost::sysfs(GoodHost::gpu) + "/resource",
                  "0x0000032042000000 0x0000032042ffffff 0x000000000014220c\n"
                  "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                  "0x0000000000000000 0x0000001fffffffff 0x000000002014220c\n");
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

// ---- drivers ----

const Case driver_cases[] = {
    {"NouveauHasTheDevice", "driver.bound", fails, "0000:65:00.0 (nouveau)",
     [](GoodHost& host, Input&) { host.bind(GoodHost::gpu, "nouveau", "nouveau"); }},
    {"NobodyHasTheDevice", "driver.bound", warns, "no driver has 0000:65:00.0",
     [](GoodHost& host, Input&) { host.remove(GoodHost::sysfs(GoodHost::gpu) + "/driver"); }},
    {"NvidiaLoaded", "driver.loaded", warns, "nvidia, nvidia_uvm",
     [](GoodHost& host, Input&) {
       for (const auto* module : {"nvidia", "nvidia_uvm"})
         host.write(std::string("/sys/module/") + module + "/initstate", "live\n");
     }},
    {"NouveauIsNotDenied", "driver.autoload", warns, "nouveau by udev",
     [](GoodHost& host, Input&) { host.remove("/etc/modprobe.d/blacklist.conf"); }},
    {"NouveauIsReplacedByFalse", "driver.autoload", passes, "no display",
     [](GoodHost& host, Input&) {
       host.write("/etc/modprobe.d/blacklist.conf", "install nouveau /bin/false\n");
     }},
    {"ModulesLoadNamesNvidia", "driver.autoload", warns, "nvidia-uvm by /etc/modules-load.d/cuda.conf",
     [](GoodHost& host, Input&) { host.write("/etc/modules-load.d/cuda.conf", "# for CUDA\nnvidia-uvm\n"); }},
    {"ModulesCannotBeSeen", "driver.autoload", skips, "cannot be seen",
     [](GoodHost& host, Input&) { host.remove("/lib/modules"); }},
    {"DracutHasNvidia", "driver.initramfs", warns, "/etc/dracut.conf.d/nvidia.conf",
     [](GoodHost& host, Input&) {
       host.write("/etc/dracut.conf.d/nvidia.conf", "force_drivers+=\" nvidia nvidia_uvm \"\n");
     }},
    {"InitramfsToolsHasNouveau", "driver.initramfs", warns, "/etc/initramfs-tools/modules",
     [](GoodHost& host, Input&) { host.write("/etc/initramfs-tools/modules", "# Examples:\nnouveau\n"); }},
    {"DracutLeavesNvidiaOut", "driver.initramfs", passes, "nothing",
     [](GoodHost& host, Input&) {
       host.write("/etc/dracut.conf.d/no.conf", "omit_drivers+=\" nvidia \"\n# add_drivers+=\" nvidia \"\n");
     }},
    {"DkmsBuildsNvidia", "driver.packages", warns, "/var/lib/dkms/nvidia",
     [](GoodHost& host, Input&) { host.write("/var/lib/dkms/nvidia/580.95.05/source", ""); }},
    {"NvidiaIsInstalled", "driver.packages", warns, "kernel module nvidia",
     [](GoodHost& host, Input&) {
       host.write("/lib/modules/" + GoodHost::release() + "/modules.builtin",
                  "kernel/drivers/video/nvidia.ko\n");
       host.depmod();
     }},
    {"PackagesCannotBeSeen", "driver.packages", skips, "cannot be seen",
     [](GoodHost& host, Input&) { host.remove("/lib/modules"); }},
    {"VfioNotLoaded", "vfio.driver", warns, "not loaded",
     [](GoodHost& host, Input&) { host.remove("/sys/bus/pci/drivers/vfio-pci"); }},
    {"KernelWithoutVfio", "vfio.driver", fails, "no vfio-pci",
     [](GoodHost& host, Input&) {
       host.remove("/sys/bus/pci/drivers/vfio-pci");
       host.write("/lib/modules/" + GoodHost::release() + "/modules.builtin", "");
       host.write("/lib/modules/" + GoodHost::release() + "/modules.builtin.modinfo", "");
       host.depmod();
     }},
    {"GraceWithoutItsDriver", "vfio.variant", fails, "0000:65:00.0",
     [](GoodHost& host, Input&) { host.write(GoodHost::sysfs(GoodHost::gpu) + "/device", "0x2342\n"); }},
    {"ABetterDriverIsThere", "vfio.variant", warns, "nvgrace_gpu_vfio_pci is made for it",
     [](GoodHost& host, Input&) {
       host.write("/usr/lib/modprobe.d/variant.conf",
                  "alias vfio_pci:v000010DEd00002330sv*sd*bc*sc*i* nvgrace_gpu_vfio_pci\n");
     }},
    {"TheSettingsNameTheDriver", "vfio.variant", skips, "vfio.driver",
     [](GoodHost&, Input& input) { input.settings->settings.vfio.driver = "vfio-pci"; }},
};

// ---- others ----

constexpr auto libvirt_device =
    "<domain><devices><hostdev mode='subsystem' type='pci' managed='{}'>\n<source>\n"
    "<address domain='0x0000' bus='0x65' slot='0x00' "
    "function='0x0'/>\n</source></hostdev></devices></domain>";

std::string libvirt_domain(const char* managed) {
  std::string text = libvirt_device;
  return text.replace(text.find("{}"), 2, managed);
}

const Case conflict_cases[] = {
    {"Driverctl", "conflict.driverctl", warns, "0000:65:00.0",
     [](GoodHost& host, Input&) { host.write("/etc/driverctl.d/pci-0000:65:00.0", "vfio-pci\n"); }},
    {"DriverctlForAnotherDevice", "conflict.driverctl", passes, "no driver",
     [](GoodHost& host, Input&) { host.write("/etc/driverctl.d/pci-0000:01:00.0", "vfio-pci\n"); }},
    {"LibvirtBinds", "conflict.libvirt", warns, "0000:65:00.0 in guest.xml",
     [](GoodHost& host, Input&) { host.write("/etc/libvirt/qemu/guest.xml", libvirt_domain("yes")); }},
    {"LibvirtDoesNotBind", "conflict.libvirt", passes, "no virtual machine",
     [](GoodHost& host, Input&) { host.write("/etc/libvirt/qemu/guest.xml", libvirt_domain("no")); }},
    {"IdsOnTheCommandLine", "conflict.vfio-ids", warns, "vfio-pci.ids=10de:2330",
     [](GoodHost& host, Input&) { host.write("/proc/cmdline", "quiet vfio-pci.ids=10de:2330\n"); }},
    {"IdsInModprobe", "conflict.vfio-ids", warns, "ids=8086:1521,10de:2330",
     [](GoodHost& host, Input&) {
       host.write("/etc/modprobe.d/vfio.conf", "options vfio-pci ids=8086:1521,10de:2330 disable_vga=1\n");
     }},
    {"IdsOfOthers", "conflict.vfio-ids", passes, "by itself",
     [](GoodHost& host, Input&) { host.write("/proc/cmdline", "vfio-pci.ids=8086:1521\n"); }},
    {"UdevRule", "conflict.udev", warns, "/etc/udev/rules.d/10-gpu.rules",
     [](GoodHost& host, Input&) {
       host.write("/etc/udev/rules.d/10-gpu.rules",
                  "ATTR{vendor}==\"0x10de\", ATTR{driver_override}=\"vfio-pci\"\n");
     }},
    {"UdevRuleInAComment", "conflict.udev", passes, "no other",
     [](GoodHost& host, Input&) { host.write("/etc/udev/rules.d/10-gpu.rules", "# driver_override\n"); }},
    {"CcManagerRuns", "conflict.gpu-operator", warns, "k8s-cc-manager (pid 900)",
     [](GoodHost& host, Input&) { host.add_process("900", {"/usr/bin/k8s-cc-manager"}); }},
    {"CcManagerWasHere", "conflict.gpu-operator", warns, ".cc-manager-ctr-ready",
     [](GoodHost& host, Input&) { host.write("/run/nvidia/validations/.cc-manager-ctr-ready", ""); }},
    {"SandboxDevicePlugin", "conflict.gpu-operator", warns, "sandbox-pgpu.sock",
     [](GoodHost& host, Input&) { host.write("/var/lib/kubelet/device-plugins/sandbox-pgpu.sock", ""); }},
    {"ProcessesCannotBeSeen", "conflict.gpu-operator", skips, "cannot be seen",
     [](GoodHost& host, Input&) { host.remove("/proc/1"); }},
    {"PersistenceDaemon", "conflict.services", warns, "nvidia-persistenced.service",
     [](GoodHost& host, Input&) {
       host.write("/sys/fs/cgroup/system.slice/nvidia-persistenced.service/cgroup.procs", "4711\n");
     }},
};

// ---- nvccd ----

const Case service_cases[] = {
    {"BrokenSettings", "nvccd.settings", fails, "nvccd.toml:3:5",
     [](GoodHost&, Input& input) {
       input.settings =
           std::unexpected(Error{.kind = ErrorKind::invalid_config, .cause = "nvccd.toml:3:5: no such mode"});
     }},
    {"UnknownSetting", "nvccd.settings", warns, "unknown key",
     [](GoodHost&, Input& input) { input.settings->warnings.push_back("nvccd.toml:3:5: unknown key"); }},
    {"NotEnabled", "nvccd.enabled", warns, "not enabled",
     [](GoodHost& host, Input&) {
       host.remove("/etc/systemd/system/multi-user.target.wants/nvccd.service");
     }},
    {"NoStateFile", "nvccd.state-file", fails, "no /run/nvccd/state.json",
     [](GoodHost& host, Input&) { host.remove("/run/nvccd/state.json"); }},
    {"StateFileOfOtherDevices", "nvccd.state-file", fails, "other devices",
     [](GoodHost& host, Input&) { host.write("/run/nvccd/state.json", R"({"devices":[]})"); }},
    {"StateFileIsNone", "nvccd.state-file", fails, "not what nvccd writes",
     [](GoodHost& host, Input&) { host.write("/run/nvccd/state.json", R"({"devices":[{"address":7}]})"); }},
    {"StateFileIsLeftOver", "nvccd.state-file", fails, "old state",
     [](GoodHost&, Input& input) { input.daemon.reset(); }},
    {"DaemonDoesNotKnowTheDevice", "nvccd.state-file", fails, "does not know 0000:65:00.0",
     [](GoodHost& host, Input& input) {
       input.daemon->devices.clear();
       host.write("/run/nvccd/state.json", R"({"devices":[]})");
     }},
    {"DeviceFailed", "nvccd.devices", fails, "0000:65:00.0 is failed: in recovery",
     [](GoodHost&, Input& input) {
       input.daemon->devices[GoodHost::gpu].state = DeviceState::failed;
       input.daemon->devices[GoodHost::gpu].error = "in recovery";
     }},
    {"DaemonDoesNotRun", "nvccd.devices", skips, "does not run",
     [](GoodHost&, Input& input) { input.daemon.reset(); }},
};

const auto by_name = [](const testing::TestParamInfo<Case>& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(Host, Broken, testing::ValuesIn(host_cases), by_name);
INSTANTIATE_TEST_SUITE_P(Isolation, Broken, testing::ValuesIn(isolation_cases), by_name);
INSTANTIATE_TEST_SUITE_P(Device, Broken, testing::ValuesIn(device_cases), by_name);
INSTANTIATE_TEST_SUITE_P(Driver, Broken, testing::ValuesIn(driver_cases), by_name);
INSTANTIATE_TEST_SUITE_P(Conflict, Broken, testing::ValuesIn(conflict_cases), by_name);
INSTANTIATE_TEST_SUITE_P(Service, Broken, testing::ValuesIn(service_cases), by_name);

TEST(Preflight, IsShortOnAMachineWithoutNvidiaAndKubernetes) {
  test::TemporaryDirectory root;
  const auto findings = run({.host = HostView(root.path().string()), .settings = LoadedSettings()});
  EXPECT_LE(findings.size(), 12U);
  for (const auto& finding : findings)
    EXPECT_NE(finding.result, CheckResult::fail) << describe(finding);
  ASSERT_NE(find(findings, "devices"), nullptr);
  EXPECT_EQ(find(findings, "devices")->result, CheckResult::skip);
}

TEST(Preflight, KubernetesIsOneLineWhereThereIsNone) {
  GoodHost host;
  host.remove("/etc/kubernetes");
  host.remove("/var/lib/kubelet");
  const auto findings = run(host.input());
  ASSERT_NE(find(findings, "kubernetes"), nullptr);
  EXPECT_EQ(find(findings, "kubernetes")->result, CheckResult::skip);
  EXPECT_EQ(find(findings, "kubelet.settings"), nullptr);
}

TEST(Preflight, LeavesOutWhatTheSettingsExclude) {
  GoodHost host;
  host.bind(GoodHost::gpu, "nouveau", "nouveau");
  auto input = host.input();
  input.settings->settings.devices.push_back({.match = {.address = GoodHost::gpu}, .managed = false});
  const auto findings = run(input);
  EXPECT_EQ(find(findings, "driver.bound"), nullptr);
  EXPECT_NE(find(findings, "devices"), nullptr);
}

TEST(Preflight, NoIdIsUsedTwiceAndEveryFindingHasAKnownOne) {
  const auto ids = check_ids();
  const std::set<std::string_view> known(ids.begin(), ids.end());
  EXPECT_EQ(known.size(), ids.size());
  GoodHost host;
  for (const auto& finding : run(host.input()))
    EXPECT_TRUE(known.contains(finding.id)) << finding.id;
}

TEST(Preflight, EveryCheckHasItsSectionInTheManual) {
  std::ifstream page(NVCCD_SOURCE_DIR "/docs/man/nvccd-checks.7.scd");
  std::set<std::string> sections;
  for (std::string line; std::getline(page, line);)
    if (line.starts_with("## ")) sections.insert(line.substr(3));
  std::set<std::string> ids;
  for (const auto& id : check_ids())
    ids.emplace(id);
  EXPECT_EQ(sections, ids);
}

}  // namespace
}  // namespace nvccd::preflight
