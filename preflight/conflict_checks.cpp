// Others who bind devices or change their mode.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "common/host/kernel_modules.h"
#include "preflight/check.h"
#include "preflight/libvirt_domain.h"
#include "preflight/processes.h"

namespace nvccd::preflight {
namespace {

bool is_checked(const Subject& subject, const PciAddress& address) {
  return std::ranges::any_of(subject.devices, [&](const auto& device) { return device.address == address; });
}

Verdict check_driverctl(const Subject& subject) {
  std::vector<std::string> found;
  for (const auto& name : subject.host.list("/etc/driverctl.d")) {
    // "pci-0000:65:00.0", or the address alone
    const auto address = PciAddress::parse(std::string_view(name).substr(name.find('-') + 1));
    if (address && is_checked(subject, *address)) found.push_back(to_string(*address));
  }
  if (found.empty()) return ok("driverctl overrides no driver");
  return warn(fmt::format("driverctl overrides the driver of {}", fmt::join(found, ", ")),
              "driverctl unset-override ADDRESS; or exclude the device in the settings of nvccd");
}

Verdict check_libvirt(const Subject& subject) {
  std::vector<std::string> found;
  constexpr auto directory = "/etc/libvirt/qemu";
  for (const auto& name : subject.host.list(directory)) {
    if (!name.ends_with(".xml")) continue;
    for (const auto& address :
         find_managed_devices(subject.host.read(fmt::format("{}/{}", directory, name)).value_or("")))
      if (is_checked(subject, address)) found.push_back(fmt::format("{} in {}", to_string(address), name));
  }
  if (found.empty()) return ok("no virtual machine of libvirt has libvirt bind a device");
  return warn(fmt::format("libvirt binds and unbinds {}", fmt::join(found, ", ")),
              "virsh edit the machine and set managed='no' on the hostdev: nvccd has bound it already");
}

// Devices of NVIDIA in a list such as "10de:2330,8086:1521"; the kernel takes capitals and 0x, too.
bool has_nvidia_id(std::string_view ids) {
  constexpr unsigned nvidia = 0x10de;
  while (!ids.empty()) {
    auto id = ids.substr(0, ids.find(','));
    ids.remove_prefix(std::min(id.size() + 1, ids.size()));
    if (id.starts_with("0x") || id.starts_with("0X")) id.remove_prefix(2);
    unsigned vendor = 0;
    const char* const end = id.data() + id.size();
    const auto read = std::from_chars(id.data(), end, vendor, 16);
    if (read.ec == std::errc{} && vendor == nvidia && read.ptr != end && *read.ptr == ':') return true;
  }
  return false;
}

Verdict check_vfio_ids(const Subject& subject) {
  std::vector<std::string> found;
  for (const auto& argument : subject.host.kernel_arguments())
    for (const std::string_view name : {"vfio-pci.ids=", "vfio_pci.ids="})
      if (argument.starts_with(name) && has_nvidia_id(std::string_view(argument).substr(name.size())))
        found.push_back(fmt::format("{} on the kernel command line", argument));
  if (found.empty()) {
    std::istringstream options(module_options("vfio_pci", subject.host.root()).value_or(""));
    for (std::string option; options >> option;)
      if (option.starts_with("ids=") && has_nvidia_id(std::string_view(option).substr(4)))
        found.push_back(fmt::format("options vfio-pci {} in /etc/modprobe.d", option));
  }
  if (found.empty()) return ok("vfio-pci takes no device by itself");
  return warn(
      fmt::format("vfio-pci takes devices whatever the settings of nvccd say: {}", fmt::join(found, ", ")),
      "remove it: nvccd binds the devices, with the driver that suits each");
}

Verdict check_udev_rules(const Subject& subject) {
  std::vector<std::string> found;
  for (const auto* directory : {"/etc/udev/rules.d", "/run/udev/rules.d"}) {
    for (const auto& name : subject.host.list(directory)) {
      if (!name.ends_with(".rules") || name == "60-nvccd.rules") continue;
      const auto file = fmt::format("{}/{}", directory, name);
      std::istringstream lines(subject.host.read(file).value_or(""));
      for (std::string line; std::getline(lines, line);) {
        if (line.starts_with('#') || line.find("driver_override") == std::string::npos) continue;
        found.push_back(file);
        break;
      }
    }
  }
  if (found.empty()) return ok("no other udev rule chooses drivers");
  return warn(fmt::format("udev rules choose drivers: {}", fmt::join(found, ", ")),
              "remove them if they are about NVIDIA devices: nvccd has a rule of its own");
}

Verdict check_operator(const Subject& subject) {
  const auto& host = subject.host;
  std::vector<std::string> found;
  const auto processes = list_processes(host);
  for (const auto& process : processes.value_or(std::vector<Process>())) {
    const auto name = process.name();
    if (name.ends_with("cc-manager") || name.starts_with("vfio-manage"))
      found.push_back(fmt::format("{} (pid {})", name, process.pid));
  }
  // The operator's validator also writes vfio-pci-ready there, but whoever has bound the devices.
  constexpr auto manager_ready = "/run/nvidia/validations/.cc-manager-ctr-ready";
  if (host.has(manager_ready)) found.emplace_back(manager_ready);
  for (const auto& name : host.list("/var/lib/kubelet/device-plugins"))
    if (name.starts_with("sandbox-") && name.ends_with(".sock"))
      found.push_back(fmt::format("/var/lib/kubelet/device-plugins/{}", name));
  if (!found.empty())
    return warn(
        fmt::format("the GPU Operator manages this node's devices too: {}", fmt::join(found, ", ")),
        "label the node with nvidia.com/gpu.deploy.vfio-manager=false, "
        "nvidia.com/gpu.deploy.cc-manager=false and nvidia.com/gpu.deploy.kata-sandbox-device-plugin=false");
  if (!processes) return skip("no traces in files, but other processes cannot be seen from here");
  return ok("no VFIO or CC manager of the GPU Operator is here");
}

Verdict check_services(const Subject& subject) {
  constexpr std::string_view units[] = {"nvidia-persistenced.service",
                                        "nvidia-fabricmanager.service",
                                        "nvidia-powerd.service",
                                        "nvidia-dcgm.service",
                                        "dcgm.service",
                                        "dcgm-exporter.service"};
  std::vector<std::string_view> found;
  for (const auto& unit : units)
    if (service_runs(subject.host, unit)) found.push_back(unit);
  if (found.empty()) return ok("no service of NVIDIA's driver runs");
  const auto text = fmt::format("services of NVIDIA's driver run: {}", fmt::join(found, ", "));
  if (auto spared = spare_excluded(subject, text)) return *std::move(spared);
  return warn(text, fmt::format("systemctl disable --now {}", fmt::join(found, " ")));
}

constexpr Check conflict_check_rows[] = {
    {"conflict.driverctl", check_driverctl},         {"conflict.libvirt", check_libvirt},
    {"conflict.vfio-ids", check_vfio_ids, true},     {"conflict.udev", check_udev_rules},
    {"conflict.gpu-operator", check_operator, true}, {"conflict.services", check_services},
};

}  // namespace

std::span<const Check> conflict_checks() {
  return conflict_check_rows;
}

}  // namespace nvccd::preflight
