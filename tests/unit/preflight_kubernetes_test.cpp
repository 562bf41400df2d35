// What is found out about a Kubernetes node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "preflight/container_runtime.h"
#include "preflight/kubelet.h"
#include "preflight_broken.h"

namespace nvccd::preflight {
namespace {

using namespace test::results;
using test::Case;
using test::GoodHost;

const Case cases[] = {
    {"KubeletFileIsNoYaml", "kubelet.settings", warns, "/etc/kubernetes/kubelet.yaml: line 2",
     [](GoodHost& host, Input&) { host.write("/etc/kubernetes/kubelet.yaml", "[\n"); }},
    {"KubeletFileIsMissing", "kubelet.settings", warns, "/etc/kubernetes/kubelet.yaml",
     [](GoodHost& host, Input&) { host.remove("/etc/kubernetes/kubelet.yaml"); }},
    {"KubeletCannotBeSeen", "kubelet.settings", skips, "cannot be seen from here",
     [](GoodHost& host, Input&) { host.remove("/proc/1"); }},
    {"KubeletThatCannotBeSeenIsNotGuessed", "kubelet.request-timeout", skips, "cannot be seen from here",
     [](GoodHost& host, Input&) {
       host.remove("/proc/1");
       host.write("/var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\n");
     }},
    {"ContainerdThatCannotBeSeenIsNotGuessed", "runtime.handlers", skips, "cannot be seen from here",
     [](GoodHost& host, Input&) {
       host.remove("/proc/1");
       host.write("/run/containerd/containerd.sock", "");
     }},
    {"KubeletDoesNotRun", "kubelet.settings", passes, "no kubelet runs",
     [](GoodHost& host, Input&) {
       host.remove("/proc/800");
       host.write("/var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\n");
     }},
    {"KubeletInsideK3s", "kubelet.settings", skips, "k3s runs",
     [](GoodHost& host, Input&) {
       host.remove("/proc/800");
       host.add_process("810", {"/usr/local/bin/k3s server"});  // as it calls itself
       host.write("/var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\n");
     }},
    {"KubeletInsideK3sIsNotGuessed", "kubelet.request-timeout", skips, "k3s runs",
     [](GoodHost& host, Input&) {
       host.remove("/proc/800");
       host.add_process("810", {"/usr/local/bin/k3s", "agent"});
     }},
    {"K0sWithoutKubelet", "kubelet.runtime-class-image", skips, "k0s runs",
     [](GoodHost& host, Input&) {
       host.remove("/proc/800");
       host.add_process("810", {"/usr/local/bin/k0s", "controller"});
     }},
    {"KubeletBesideK0s", "kubelet.settings", passes, "can be read",
     [](GoodHost& host, Input&) { host.add_process("790", {"/usr/local/bin/k0s", "worker"}); }},
    {"PodResourcesOff", "kubelet.pod-resources-get", fails, "is off",
     [](GoodHost& host, Input&) {
       host.write("/etc/kubernetes/kubelet.conf.d/90.conf",
                  "featureGates: {KubeletPodResourcesGet: false}\n");
     }},
    {"PodResourcesNotSet", "kubelet.pod-resources-get", skips, "on by itself from Kubernetes 1.34",
     [](GoodHost& host, Input&) {
       host.write("/etc/kubernetes/kubelet.yaml", "kind: KubeletConfiguration\n");
     }},
    {"PodResourcesOffByOption", "kubelet.pod-resources-get", fails, "is off",
     [](GoodHost& host, Input&) {
       host.add_process("800", {"kubelet", "--config=/etc/kubernetes/kubelet.yaml", "--feature-gates",
                                "Other=true,KubeletPodResourcesGet=false"});
     }},
    {"ImageApiNotSet", "kubelet.runtime-class-image", warns, "is off",
     [](GoodHost& host, Input&) { host.remove("/etc/kubernetes/kubelet.conf.d"); }},
    {"FilesThatAreNoDropInsDoNotCount", "kubelet.runtime-class-image", warns, "is off",
     [](GoodHost& host, Input&) {
       std::filesystem::rename(host.path("/etc/kubernetes/kubelet.conf.d/50-kata.conf"),
                               host.path("/etc/kubernetes/kubelet.conf.d/50-kata.conf.bak"));
     }},
    {"TimeoutNotSet", "kubelet.request-timeout", warns, "is 2m",
     [](GoodHost& host, Input&) { host.remove("/etc/kubernetes/kubelet.conf.d"); }},
    {"TimeoutShort", "kubelet.request-timeout", warns, "is 19m59s",
     [](GoodHost& host, Input&) {
       host.write("/etc/kubernetes/kubelet.conf.d/90.conf", "runtimeRequestTimeout: 19m59s\n");
     }},
    {"TimeoutIsNone", "kubelet.request-timeout", warns, "is soon",
     [](GoodHost& host, Input&) {
       host.write("/etc/kubernetes/kubelet.conf.d/90.conf", "runtimeRequestTimeout: soon\n");
     }},
    {"NoSocket", "kubelet.pod-resources-socket", warns, "there is no",
     [](GoodHost& host, Input&) { host.remove("/var/lib/kubelet/pod-resources"); }},
    {"NoHandler", "runtime.handlers", fails, "containerd has no handler kata-qemu-nvidia-gpu-snp",
     [](GoodHost& host, Input&) { host.remove("/etc/containerd/conf.d"); }},
    {"HandlerInRust", "runtime.handlers", passes, "kata-qemu-nvidia-gpu-snp-runtime-rs",
     [](GoodHost& host, Input&) {
       host.write("/etc/containerd/conf.d/kata-deploy.toml",
                  "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.kata-qemu-nvidia-gpu-snp-"
                  "runtime-rs]\n"
                  "runtime_type = 'io.containerd.kata.v2'\n");
     }},
    {"HandlerForTdxHosts", "runtime.handlers", fails, "kata-qemu-nvidia-gpu-tdx",
     [](GoodHost& host, Input&) { host.write("/sys/module/kvm_intel/parameters/tdx", "Y\n"); }},
    {"ContainerdElsewhere", "runtime.handlers", fails, "no handler",
     [](GoodHost& host, Input&) {
       host.add_process("700", {"containerd", "-c", "/var/lib/rancher/config.toml"});
       host.write("/var/lib/rancher/config.toml", "version = 3\n");
     }},
    {"TheContainerdThatTheKubeletUses", "runtime.handlers", fails, "no handler",
     [](GoodHost& host, Input&) {
       host.write("/etc/kubernetes/kubelet.conf.d/90.conf",
                  "containerRuntimeEndpoint: unix:///run/k3s/containerd/containerd.sock\n");
       host.add_process("700", {"containerd", "-c", "/etc/containerd/config.toml"});
       host.add_process("1200", {"containerd", "-c", "/var/lib/rancher/config.toml", "-a",
                                 "/run/k3s/containerd/containerd.sock"});
       host.write("/var/lib/rancher/config.toml", "version = 3\n");
     }},
    {"TheContainerdWhoseFileNamesTheSocketOfTheKubelet", "runtime.handlers", fails, "no handler",
     [](GoodHost& host, Input&) {
       host.write("/etc/kubernetes/kubelet.conf.d/90.conf",
                  "containerRuntimeEndpoint: unix:///var/run/other/containerd.sock\n");
       host.add_process("700", {"containerd", "-c", "/etc/containerd/config.toml"});
       host.add_process("1200", {"containerd", "--config=/etc/other.toml"});
       host.write("/etc/other.toml", "[grpc]\naddress = '/run/other/containerd.sock'\n");
     }},
    {"TheContainerdOfAK3sThatDoesNotSay", "runtime.handlers", fails, "no handler",
     [](GoodHost& host, Input&) {
       host.remove("/proc/800");
       host.add_process("810", {"/usr/local/bin/k3s server"});
       host.write("/run/k3s/containerd/containerd.sock", "");
       host.add_process("700", {"containerd", "-c", "/etc/containerd/config.toml"});
       host.add_process("1200", {"containerd", "-c", "/var/lib/rancher/config.toml", "-a",
                                 "/run/k3s/containerd/containerd.sock"});
       host.write("/var/lib/rancher/config.toml", "version = 3\n");
     }},
    {"TheFirstOfSeveralContainerds", "runtime.handlers", passes, "kata-qemu-nvidia-gpu-snp",
     [](GoodHost& host, Input&) {
       host.write("/etc/kubernetes/kubelet.conf.d/90.conf",
                  "containerRuntimeEndpoint: unix:///run/elsewhere/containerd.sock\n");
       host.add_process("7100", {"containerd", "-c", "/etc/other.toml"});
     }},
    {"ContainerdFileIsNoToml", "runtime.handlers", skips, "/etc/containerd/config.toml: line 1",
     [](GoodHost& host, Input&) { host.write("/etc/containerd/config.toml", "= 1\n"); }},
    {"ImportsInACircleEnd", "runtime.handlers", passes, "kata-qemu-nvidia-gpu-snp",
     [](GoodHost& host, Input&) {
       host.write("/etc/containerd/conf.d/again.toml", "imports = ['../config.toml']\n");
     }},
    {"CrioHasNoHandler", "runtime.handlers", fails, "CRI-O",
     [](GoodHost& host, Input&) {
       host.write("/etc/kubernetes/kubelet.conf.d/90.conf",
                  "containerRuntimeEndpoint: unix:///run/crio/crio.sock\n");
     }},
    {"CrioHasTheHandler", "runtime.handlers", passes, "kata-qemu-nvidia-gpu-snp",
     [](GoodHost& host, Input&) {
       host.write("/etc/kubernetes/kubelet.conf.d/90.conf",
                  "containerRuntimeEndpoint: unix:///run/crio/crio.sock\n");
       host.write("/etc/crio/crio.conf.d/99-kata-deploy",
                  "[crio.runtime.runtimes.kata-qemu-nvidia-gpu-snp]\nruntime_type = \"vm\"\n");
     }},
    {"NoRuntime", "runtime.handlers", skips, "neither containerd nor CRI-O",
     [](GoodHost& host, Input&) {
       host.write("/etc/kubernetes/kubelet.yaml", "kind: KubeletConfiguration\n");
     }},
    {"CdiOff", "runtime.cdi", warns, "not enabled",
     [](GoodHost& host, Input&) {
       host.write("/etc/containerd/conf.d/cdi.toml",
                  "[plugins.'io.containerd.cri.v1.runtime']\nenable_cdi = false\n");
     }},
    {"CdiNotSetInAFileOfFormat2", "runtime.cdi", skips, "containerd 2 enables CDI by itself",
     [](GoodHost& host, Input&) { host.write("/etc/containerd/config.toml", "version = 2\n"); }},
    {"CdiNotSetInAFileThatNamesNoFormat", "runtime.cdi", skips, "containerd 2 enables CDI by itself",
     [](GoodHost& host, Input&) { host.remove("/etc/containerd"); }},
    {"CdiOffInAFileOfFormat2", "runtime.cdi", warns, "not enabled in containerd",
     [](GoodHost& host, Input&) {
       host.write("/etc/containerd/config.toml",
                  "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\nenable_cdi = false\n");
     }},
    {"CrioHasCdiOn", "runtime.cdi", passes, "CRI-O",
     [](GoodHost& host, Input&) {
       host.write("/etc/kubernetes/kubelet.conf.d/90.conf",
                  "containerRuntimeEndpoint: unix:///run/crio/crio.sock\n");
     }},
    {"CrioReadsOtherDirectories", "runtime.cdi", warns, "CRI-O reads CDI files only from /etc/cdi",
     [](GoodHost& host, Input&) {
       host.write("/etc/kubernetes/kubelet.conf.d/90.conf",
                  "containerRuntimeEndpoint: unix:///run/crio/crio.sock\n");
       host.write("/etc/crio/crio.conf.d/cdi", "[crio.runtime]\ncdi_spec_dirs = ['/etc/cdi']\n");
     }},
    {"CdiOnInContainerd1", "runtime.cdi", passes, "enabled",
     [](GoodHost& host, Input&) {
       host.write("/etc/containerd/config.toml",
                  "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\nenable_cdi = true\n");
     }},
    {"CdiElsewhere", "runtime.cdi", warns, "only from /etc/cdi",
     [](GoodHost& host, Input&) {
       host.write("/etc/containerd/conf.d/cdi.toml",
                  "[plugins.'io.containerd.cri.v1.runtime']\ncdi_spec_dirs = ['/etc/cdi']\n");
     }},
    {"KataTooOld", "kata.version", fails, "Kata 3.28.0",
     [](GoodHost& host, Input&) { host.write("/opt/kata/VERSION", "3.28.0\n"); }},
    {"KataNew", "kata.version", passes, "Kata 4.1.0",
     [](GoodHost& host, Input&) { host.write("/opt/kata/VERSION", "4.1.0\n"); }},
    {"KataWithoutVersion", "kata.version", skips, "not known",
     [](GoodHost& host, Input&) { host.remove("/opt/kata/VERSION"); }},
    {"KataVersionIsNone", "kata.version", skips, "no version",
     [](GoodHost& host, Input&) { host.write("/opt/kata/VERSION", "main\n"); }},
    {"KataImpatient", "kata.timeout", warns, "create_container_timeout is 60",
     [](GoodHost& host, Input&) { host.remove("/opt/kata/share/runtimes/qemu-nvidia-gpu-snp/config.d"); }},
    {"KataFileIsMissing", "kata.timeout", skips, "configuration-qemu-nvidia-gpu-snp.toml",
     [](GoodHost& host, Input&) { host.remove("/opt/kata/share"); }},
    {"KataPlugsNothing", "kata.devices", warns, "cold_plug_vfio is no-port",
     [](GoodHost& host, Input&) {
       host.write("/opt/kata/share/runtimes/qemu-nvidia-gpu-snp/config.d/90.toml",
                  "[hypervisor.qemu]\ncold_plug_vfio = 'no-port'\n");
     }},
    {"KataDoesNotAsk", "kata.devices", warns, "pod_resource_api_sock",
     [](GoodHost& host, Input&) {
       host.write("/opt/kata/share/runtimes/qemu-nvidia-gpu-snp/config.d/90.toml",
                  "[runtime]\npod_resource_api_sock = ''\n");
     }},
    {"NobodyReadsLocalFeatures", "nfd.features", warns, "features.d",
     [](GoodHost& host, Input&) { host.remove("/etc/kubernetes/node-feature-discovery/features.d"); }},
    {"NoWorkerOfNodeFeatureDiscovery", "nfd.features", skips, "no pod",
     [](GoodHost& host, Input&) { host.remove("/var/log/pods"); }},
    {"NoNodeFeatureDiscovery", "nfd.features", skips, "not set up",
     [](GoodHost& host, Input&) { host.remove("/etc/kubernetes/node-feature-discovery"); }},
};

class Node : public testing::TestWithParam<Case> {};

TEST_P(Node, IsFound) {
  test::expect_found(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Kubernetes, Node, testing::ValuesIn(cases), test::by_name);

TEST(Kubelet, OfAContainerIsNotTheHosts) {
  GoodHost host;
  // Its root directory is another one.
  host.write("/elsewhere/etc/hostname", "");
  host.link("/proc/800/root", "/elsewhere");
  const HostView view(host.root());
  const auto kubelet = read_kubelet(view, list_processes(view));
  EXPECT_FALSE(kubelet);  // there is no /var/lib/kubelet/config.yaml to be assumed
}

class KubeletAdvice : public testing::Test {
 protected:
  std::string advice(std::string_view id) {
    const auto findings = run(host.input());
    const auto* finding = test::find(findings, id);
    return finding == nullptr ? "no such finding" : finding->advice;
  }
  void start_kubelet(std::initializer_list<std::string_view> arguments) {
    host.add_process("800", arguments);
  }

  GoodHost host;
};

TEST_F(KubeletAdvice, NamesTheRepairWhereADropInCanBeWritten) {
  host.remove("/etc/kubernetes/kubelet.conf.d/50-kata.conf");
  EXPECT_THAT(advice("kubelet.request-timeout"), testing::HasSubstr("nvccctl check --fix"));
  EXPECT_THAT(advice("kubelet.runtime-class-image"),
              testing::HasSubstr("featureGates.RuntimeClassInImageCriApi"));
}

TEST_F(KubeletAdvice, NamesTheFileOfAKubeletWithoutDropIns) {
  start_kubelet({"kubelet", "--config=/etc/kubernetes/kubelet.yaml"});
  EXPECT_EQ(advice("kubelet.request-timeout"),
            "set runtimeRequestTimeout to 20m in /etc/kubernetes/kubelet.yaml");
}

TEST_F(KubeletAdvice, NamesTheOptionThatWinsOverFiles) {
  start_kubelet({"kubelet", "--config=/etc/kubernetes/kubelet.yaml",
                 "--config-dir=/etc/kubernetes/kubelet.conf.d", "--runtime-request-timeout=1m",
                 "--feature-gates=KubeletPodResourcesGet=false"});
  EXPECT_EQ(advice("kubelet.request-timeout"),
            "set runtimeRequestTimeout to 20m in the kubelet's option --runtime-request-timeout");
  EXPECT_EQ(advice("kubelet.pod-resources-get"),
            "set featureGates.KubeletPodResourcesGet to true in the kubelet's option --feature-gates");
}

TEST_F(KubeletAdvice, NamesTheFileThatWinsOverTheRepair) {
  host.write("/etc/kubernetes/kubelet.conf.d/99-z.conf", "runtimeRequestTimeout: 1m\n");
  EXPECT_EQ(advice("kubelet.request-timeout"),
            "set runtimeRequestTimeout to 20m in /etc/kubernetes/kubelet.conf.d/99-z.conf");
}

TEST(GoDuration, IsReadAsGoWritesIt) {
  using Seconds = std::chrono::duration<double>;
  EXPECT_EQ(parse_go_duration("20m"), Seconds(1200));
  EXPECT_EQ(parse_go_duration("20m0s"), Seconds(1200));
  EXPECT_EQ(parse_go_duration("1h30m"), Seconds(5400));
  EXPECT_EQ(parse_go_duration("1.5h"), Seconds(5400));
  EXPECT_EQ(parse_go_duration("500ms"), Seconds(0.5));
  EXPECT_EQ(parse_go_duration("0"), Seconds(0));
  for (const auto* wrong : {"", "20", "m", "20 m", "20minutes", "-20m", "20m-1s", "nan", "infs", "20m "})
    EXPECT_EQ(parse_go_duration(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace nvccd::preflight
