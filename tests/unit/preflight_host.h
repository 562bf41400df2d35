// A host on which every check passes, as a directory tree. Tests break one thing of it.
#pragma once

#include <sys/stat.h>
#include <sys/utsname.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "common/formats/state_file.h"
#include "preflight/preflight.h"
#include "tests/support/temporary_directory.h"

namespace nvccd::test {

class GoodHost {
 public:
  static constexpr PciAddress bridge{0, 0x00, 1, 0};
  static constexpr PciAddress gpu{0, 0x65, 0, 0};
  static constexpr PciAddress audio{0, 0x65, 0, 1};

  GoodHost() {
    add_processor();
    add_bridge();
    add_gpu();
    add_modules();
    add_kubernetes();
    add_service();
  }

  std::string root() const { return root_.path().string(); }
  std::filesystem::path path(const std::string& absolute) const { return root() + absolute; }

  void write(const std::string& absolute, std::string_view text) {
    std::filesystem::create_directories(path(absolute).parent_path());
    std::ofstream(path(absolute), std::ios::binary) << text;
  }
  void remove(const std::string& absolute) { std::filesystem::remove_all(path(absolute)); }
  void link(const std::string& from, const std::string& to) {
    std::filesystem::create_directories(path(from).parent_path());
    std::filesystem::remove(path(from));
    std::filesystem::create_symlink(path(to), path(from));
  }
  // One more that the kernel has.
  void add_module(const std::string& name) {
    std::ofstream(path("/lib/modules/" + release() + "/modules.builtin"), std::ios::app)
        << "kernel/drivers/" << name << ".ko\n";
    depmod();
  }
  // After a change of modprobe's files this is not needed, after one of the modules it is.
  void depmod() {
    const auto command = "PATH=$PATH:/usr/sbin:/sbin depmod -b " + root() + " " + release();
    if (std::system(command.c_str()) != 0) throw std::runtime_error("depmod (package kmod) failed");
  }

  static std::string release() {
    utsname name{};
    ::uname(&name);
    return name.release;
  }
  static std::string sysfs(const PciAddress& address) { return "/sys/bus/pci/devices/" + to_string(address); }

  void add_function(const PciAddress& address, const std::string& parent, const char* vendor,
                    const char* device, const char* device_class) {
    const auto directory = parent + "/" + to_string(address);
    write(directory + "/vendor", std::string(vendor) + "\n");
    write(directory + "/device", std::string(device) + "\n");
    write(directory + "/class", std::string(device_class) + "\n");
    link(sysfs(address), directory);
  }
  void bind(const PciAddress& address, const std::string& driver, const std::string& module) {
    write("/sys/bus/pci/drivers/" + driver + "/bind", "");
    write("/sys/module/" + module + "/initstate", "live\n");
    link("/sys/bus/pci/drivers/" + driver + "/module", "/sys/module/" + module);
    link(sysfs(address) + "/driver", "/sys/bus/pci/drivers/" + driver);
  }
  void put_into_group(const PciAddress& address, const std::string& number) {
    const auto group = "/sys/kernel/iommu_groups/" + number;
    write(group + "/type", "DMA-FQ\n");
    link(group + "/devices/" + to_string(address), sysfs(address));
    link(sysfs(address) + "/iommu_group", group);
  }
  void add_process(const std::string& pid, std::initializer_list<std::string_view> arguments) {
    std::string text;
    for (const auto& argument : arguments)
      text += std::string(argument) + '\0';
    write("/proc/" + pid + "/cmdline", text);
  }

  // What the daemon knows when all is well.
  static preflight::DaemonState daemon_state() {
    preflight::DaemonState state;
    state.node.mode_state = ModeState::on;
    state.node.ready = true;
    state.node.generation = 7;
    auto& device = state.devices[gpu];
    device.address = gpu;
    device.mode = Mode::on;
    device.state = DeviceState::ready;
    return state;
  }

  void write_state(const preflight::DaemonState& daemon) {
    write("/run/nvccd/state.json", state_text(state_document(daemon.node, daemon.devices, {}, "test", {})));
  }

  preflight::Input input() const {
    return {.host = preflight::HostView(root()), .settings = LoadedSettings(), .daemon = daemon_state()};
  }

  static std::string config_with_acs(unsigned control) {
    std::string config(4096, '\0');
    config[0x100] = 0x0d;  // the first extended capability: ACS, and no further
    config[0x102] = 0x01;
    config[0x104] = 0x1d;
    config[0x106] = static_cast<char>(control);
    return config;
  }

 private:
  static constexpr auto bridge_directory = "/sys/devices/pci0000:00/0000:00:01.0";

  void add_processor() {
    write("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu sev sev_es sev_snp\n");
    write("/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/sda1 quiet\n");
    write("/sys/module/kvm_amd/parameters/sev_snp", "Y\n");
    for (const auto* device : {"kvm", "sev", "iommu"})
      write(std::string("/sys/class/misc/") + device + "/dev", "10:1\n");
    write("/sys/class/iommu/ivhd0/uevent", "");
    write("/sys/fs/cgroup/misc.capacity", "sev 99\nsev_es 410\n");
    write("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
    write("/dev/kmsg",
          "6,1,0,-;Linux version 6.12.0\n"
          "6,702,900,-;AMD-Vi: IOMMU SNP support enabled.\n"
          "4,801,950,-;pci 0000:01:00.0: a warning about another device\n SUBSYSTEM=pci\n "
          "DEVICE=+pci:0000:65:00.0\n"
          "6,902,999,-;vfio-pci 0000:65:00.0: Enabling HDA controller\n");
  }

  void add_bridge() {
    add_function(bridge, "/sys/devices/pci0000:00", "0x1022", "0x14ab", "0x060400");
    write(sysfs(bridge) + "/config", config_with_acs(0x1d));
    put_into_group(bridge, "1");
  }

  void add_gpu() {
    add_function(gpu, bridge_directory, "0x10de", "0x2330", "0x030200");
    add_function(audio, bridge_directory, "0x10de", "0x22ba", "0x040300");
    const auto directory = sysfs(gpu);
    write(directory + "/modalias", "pci:v000010DEd00002330sv000010DEsd000016C1bc03sc02i00\n");
    write(directory + "/config", std::string("\xde\x10\x30\x23", 4) + std::string(4092, '\0'));
    write(directory + "/resource",
          "0x0000032042000000 0x0000032042ffffff 0x000000000014220c\n"
          "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
          "0x0000030000000000 0x0000031fffffffff 0x000000000014220c\n"
          "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
          "0x0000032040000000 0x0000032041ffffff 0x000000000014220c\n"
          "0x0000000000000000 0x0000000000000000 0x0000000000000000\n");
    for (const auto* name : {"/current_link_width", "/max_link_width"})
      write(directory + name, "16\n");
    for (const auto* name : {"/current_link_speed", "/max_link_speed"})
      write(directory + name, "32.0 GT/s PCIe\n");
    write(directory + "/power_state", "D0\n");
    write(directory + "/reset", "");
    put_into_group(gpu, "65");
    put_into_group(audio, "65");
    for (const auto& function : {gpu, audio})
      bind(function, "vfio-pci", "vfio_pci");
    write(directory + "/vfio-dev/vfio0/dev", "");
    write("/dev/vfio/65", "");
    write("/dev/vfio/devices/vfio0", "");
  }

  void add_modules() {
    const auto directory = "/lib/modules/" + release();
    write(directory + "/modules.builtin", "kernel/drivers/vfio/pci/vfio-pci.ko\n");
    write(directory + "/modules.builtin.modinfo",
          std::string("vfio_pci.alias=vfio_pci:v*d*sv*sd*bc*sc*i*") + '\0' + "vfio_pci.license=GPL" + '\0');
    write(directory + "/modules.order", "");
    // What NVIDIA's devices match, and what keeps it away.
    write("/usr/lib/modprobe.d/aliases.conf", "alias pci:v000010DEd*sv*sd*bc03sc*i* nouveau\n");
    write("/etc/modprobe.d/blacklist.conf", "blacklist nouveau\n");
    depmod();
  }

  void add_kubernetes() {
    write("/var/log/pods/node-feature-discovery_nfd-worker-x7k2p_0f9a/worker/0.log", "");
    add_process("1", {"/sbin/init"});
    add_process("700", {"/usr/bin/containerd"});
    add_process("800", {"/usr/bin/kubelet", "--config=/etc/kubernetes/kubelet.yaml", "--config-dir",
                        "/etc/kubernetes/kubelet.conf.d"});
    write("/etc/kubernetes/kubelet.yaml",
          "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
          "featureGates:\n  KubeletPodResourcesGet: true\n"
          "containerRuntimeEndpoint: unix:///run/containerd/containerd.sock\n");
    write("/etc/kubernetes/kubelet.conf.d/50-kata.conf",
          "kind: KubeletConfiguration\nruntimeRequestTimeout: 20m0s\n"
          "featureGates:\n  RuntimeClassInImageCriApi: true\n");
    write("/var/lib/kubelet/pod-resources/kubelet.sock", "");
    write("/etc/containerd/config.toml", "version = 3\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n");
    write("/etc/containerd/conf.d/kata-deploy.toml",
          "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.kata-qemu-nvidia-gpu-snp]\n"
          "runtime_type = 'io.containerd.kata-qemu-nvidia-gpu-snp.v2'\n"
          "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.kata-qemu-nvidia-gpu-snp.options]\n"
          "ConfigPath = '/opt/kata/share/configuration-qemu-nvidia-gpu-snp.toml'\n");
    write("/opt/kata/VERSION", "3.29.0\n");
    write("/opt/kata/share/runtimes/qemu-nvidia-gpu-snp/configuration.toml",
          "[hypervisor.qemu]\ncold_plug_vfio = \"root-port\"\n[runtime]\n"
          "pod_resource_api_sock = \"/var/lib/kubelet/pod-resources/kubelet.sock\"\n"
          "create_container_timeout = 60\n");
    write("/opt/kata/share/runtimes/qemu-nvidia-gpu-snp/config.d/10-time.toml",
          "[runtime]\ncreate_container_timeout = 1200\n");
    link("/opt/kata/share/configuration-qemu-nvidia-gpu-snp.toml",
         "/opt/kata/share/runtimes/qemu-nvidia-gpu-snp/configuration.toml");
    std::filesystem::create_directories(path("/etc/kubernetes/node-feature-discovery/features.d"));
  }

  void add_service() {
    link("/etc/systemd/system/multi-user.target.wants/nvccd.service",
         "/usr/lib/systemd/system/nvccd.service");
    write_state(daemon_state());
  }

  TemporaryDirectory root_;
};

}  // namespace nvccd::test
