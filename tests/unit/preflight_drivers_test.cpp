// Drivers of the host, and others who bind devices, red and green.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "preflight_broken.h"

namespace nvccd::preflight {
namespace {

using namespace test::results;
using test::Case;
using test::exclude_a_gpu;
using test::GoodHost;

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
     [](GoodHost& host, Input&) {
       host.write("/etc/modules-load.d/cuda.conf", "# for CUDA\nnvidia-uvm\n");
       host.add_module("nvidia-uvm");
     }},
    {"ModulesLoadNamesADeniedModule", "driver.autoload", passes, "no display",
     [](GoodHost& host, Input&) {
       host.write("/etc/modules-load.d/cuda.conf", "nvidia-uvm\n");
       host.write("/etc/modprobe.d/nvidia.conf", "blacklist nvidia_uvm\n");
       host.add_module("nvidia-uvm");
     }},
    {"ModulesCannotBeSeen", "driver.autoload", skips, "cannot be seen",
     [](GoodHost& host, Input&) { host.remove("/lib/modules"); }},
    {"DracutHasNvidia", "driver.initramfs", warns, "/etc/dracut.conf.d/nvidia.conf",
     [](GoodHost& host, Input&) {
       host.write("/etc/dracut.conf.d/nvidia.conf", "force_drivers+=\" nvidia nvidia_uvm \"\n");
     }},
    {"InitramfsToolsHasNouveau", "driver.initramfs", warns, "/etc/initramfs-tools/modules",
     [](GoodHost& host, Input&) { host.write("/etc/initramfs-tools/modules", "# Examples:\nnouveau\n"); }},
    {"DracutLeavesNvidiaOut", "driver.initramfs", passes, "the image itself was not looked into",
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
    {"TheHostsOwnGpuMayNeedALoadedDriver", "driver.loaded", skips,
     "loaded: nvidia, which 0000:01:00.0 may need: the settings exclude it",
     [](GoodHost& host, Input& input) {
       exclude_a_gpu(host, input);
       host.write("/sys/module/nvidia/initstate", "live\n");
     }},
    {"NoDriverIsLoadedForTheHostsOwnGpu", "driver.loaded", passes, "no display", exclude_a_gpu},
    {"TheHostsOwnGpuMayNeedADriverAtTheNextBoot", "driver.autoload", skips,
     "nouveau by udev, which 0000:01:00.0 may need",
     [](GoodHost& host, Input& input) {
       exclude_a_gpu(host, input);
       host.remove("/etc/modprobe.d/blacklist.conf");
     }},
    {"TheHostsOwnGpuMayNeedThePackages", "driver.packages", skips, "which 0000:01:00.0 may need",
     [](GoodHost& host, Input& input) {
       exclude_a_gpu(host, input);
       host.write("/var/lib/dkms/nvidia/580.95.05/source", "");
     }},
    {"AManagedDeviceOfAnotherDriverIsTroubleBesideTheHostsOwnGpu", "driver.bound", fails, "0000:65:00.0",
     [](GoodHost& host, Input& input) {
       exclude_a_gpu(host, input);
       host.bind(GoodHost::gpu, "nvidia", "nvidia");
     }},
    {"WhatBrokenSettingsExcludeIsNotKnown", "driver.loaded", skips, "cannot be read",
     [](GoodHost& host, Input& input) {
       input.settings = std::unexpected(Error{.cause = "nvccd.toml:3:5: no such mode"});
       host.write("/sys/module/nvidia/initstate", "live\n");
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
    {"IdsInCapitals", "conflict.vfio-ids", warns, "10DE:2330",
     [](GoodHost& host, Input&) { host.write("/proc/cmdline", "vfio-pci.ids=8086:1521,10DE:2330\n"); }},
    {"IdsAsTheKernelReadsNumbers", "conflict.vfio-ids", warns, "0x10de:0x2330",
     [](GoodHost& host, Input&) { host.write("/proc/cmdline", "vfio-pci.ids=0x10de:0x2330\n"); }},
    {"IdsThatAreNone", "conflict.vfio-ids", passes, "by itself",
     [](GoodHost& host, Input&) { host.write("/proc/cmdline", "vfio-pci.ids=,10de,0x,110de:2330,:10de\n"); }},
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
    {"DevicesThatTheOperatorsValidatorHasSeenBound", "conflict.gpu-operator", passes, "no VFIO or CC manager",
     [](GoodHost& host, Input&) { host.write("/run/nvidia/validations/vfio-pci-ready", ""); }},
    {"SandboxDevicePlugin", "conflict.gpu-operator", warns, "sandbox-pgpu.sock",
     [](GoodHost& host, Input&) { host.write("/var/lib/kubelet/device-plugins/sandbox-pgpu.sock", ""); }},
    {"ProcessesCannotBeSeen", "conflict.gpu-operator", skips, "cannot be seen",
     [](GoodHost& host, Input&) { host.remove("/proc/1"); }},
    {"PersistenceDaemon", "conflict.services", warns, "nvidia-persistenced.service",
     [](GoodHost& host, Input&) {
       host.write("/sys/fs/cgroup/system.slice/nvidia-persistenced.service/cgroup.procs", "4711\n");
     }},
    {"TheHostsOwnGpuMayNeedThePersistenceDaemon", "conflict.services", skips, "which 0000:01:00.0 may need",
     [](GoodHost& host, Input& input) {
       exclude_a_gpu(host, input);
       host.write("/sys/fs/cgroup/system.slice/nvidia-persistenced.service/cgroup.procs", "4711\n");
     }},
};

class Drivers : public testing::TestWithParam<Case> {};

TEST_P(Drivers, IsFound) {
  test::expect_found(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Driver, Drivers, testing::ValuesIn(driver_cases), test::by_name);
INSTANTIATE_TEST_SUITE_P(Conflict, Drivers, testing::ValuesIn(conflict_cases), test::by_name);

}  // namespace
}  // namespace nvccd::preflight
