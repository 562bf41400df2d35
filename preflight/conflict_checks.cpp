// Other programs that bind devices or change their mode.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <sstream>

#include "preflight/check.h"

namespace nvccd::preflight {
namespace {

bool is_checked(const Subject& subject, const PciAddress& address) {
  return std::ranges::any_of(subject.devices, [&](const auto& device) { return device.address == address; });
}

Verdict check_driverctl(const Subject& subject) {
  std::vector<std::string> found;
  for (const auto& address : subject.rivals.driverctl)
    if (is_checked(subject, address)) found.push_back(to_string(address));
  if (found.empty()) return ok("driverctl overrides no driver");
  return warn(fmt::format("driverctl overrides the driver of {}", fmt::join(found, ", ")),
              "driverctl unset-override ADDRESS; or exclude the device in the settings of nvccd");
}

Verdict check_libvirt(const Subject& subject) {
  std::vector<std::string> found;
  for (const auto& [address, file] : subject.rivals.libvirt)
    if (is_checked(subject, address)) found.push_back(fmt::format("{} in {}", to_string(address), file));
  if (found.empty()) return ok("no virtual machine of libvirt has libvirt bind a device");
  return warn(fmt::format("libvirt binds and unbinds {}", fmt::join(found, ", ")),
              "virsh edit the machine and set managed='no' on the hostdev: nvccd has bound it already");
}

// Whether a list such as "10de:2330,8086:1521" has a device of NVIDIA. Like the kernel, this accepts capital
// letters and 0x.
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
  for (const auto& argument : subject.platform.kernel_arguments)
    for (const std::string_view name : {"vfio-pci.ids=", "vfio_pci.ids="})
      if (argument.starts_with(name) && has_nvidia_id(std::string_view(argument).substr(name.size())))
        found.push_back(fmt::format("{} on the kernel command line", argument));
  if (found.empty()) {
    std::istringstream options(subject.modules.vfio_pci_options);
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
  const auto& found = subject.rivals.udev_rules;
  if (found.empty()) return ok("no other udev rule chooses drivers");
  return warn(fmt::format("udev rules choose drivers: {}", fmt::join(found, ", ")),
              "remove them if they are about NVIDIA devices: nvccd has a rule of its own");
}

Verdict check_operator(const Subject& subject) {
  std::vector<std::string> found;
  for (const auto& process : subject.processes.value_or(std::vector<Process>())) {
    const auto name = process.name();
    if (name.ends_with("cc-manager") || name.starts_with("vfio-manage"))
      found.push_back(fmt::format("{} (pid {})", name, process.pid));
  }
  std::ranges::copy(subject.rivals.gpu_operator, std::back_inserter(found));
  if (!found.empty())
    return warn(
        fmt::format("the GPU Operator manages this node's devices too: {}", fmt::join(found, ", ")),
        "label the node with nvidia.com/gpu.deploy.vfio-manager=false, "
        "nvidia.com/gpu.deploy.cc-manager=false and nvidia.com/gpu.deploy.kata-sandbox-device-plugin=false");
  if (!subject.processes) return skip("no traces in files, but other processes cannot be seen from here");
  return ok("no VFIO or CC manager of the GPU Operator is here");
}

Verdict check_services(const Subject& subject) {
  const auto& found = subject.rivals.services;
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
