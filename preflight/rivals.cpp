#include "preflight/rivals.h"

#include <fmt/format.h>

#include <sstream>

#include "preflight/libvirt_domain.h"
#include "preflight/processes.h"

namespace nvccd::preflight {
namespace {

std::vector<std::string> find_udev_rules(const HostView& host) {
  std::vector<std::string> found;
  for (const auto* directory : {"/etc/udev/rules.d", "/run/udev/rules.d"}) {
    for (const auto& name : host.list(directory)) {
      if (!name.ends_with(".rules") || name == "60-nvccd.rules") continue;
      const auto file = fmt::format("{}/{}", directory, name);
      std::istringstream lines(host.read(file).value_or(""));
      for (std::string line; std::getline(lines, line);) {
        if (line.starts_with('#') || line.find("driver_override") == std::string::npos) continue;
        found.push_back(file);
        break;
      }
    }
  }
  return found;
}

std::vector<std::string> find_gpu_operator(const HostView& host) {
  std::vector<std::string> found;
  // The operator's validator also writes vfio-pci-ready there, but whoever has bound the devices.
  constexpr auto manager_ready = "/run/nvidia/validations/.cc-manager-ctr-ready";
  if (host.has(manager_ready)) found.emplace_back(manager_ready);
  for (const auto& name : host.list("/var/lib/kubelet/device-plugins"))
    if (name.starts_with("sandbox-") && name.ends_with(".sock"))
      found.push_back(fmt::format("/var/lib/kubelet/device-plugins/{}", name));
  return found;
}

}  // namespace

Rivals look_for_rivals(const HostView& host) {
  constexpr std::string_view units[] = {"nvidia-persistenced.service",
                                        "nvidia-fabricmanager.service",
                                        "nvidia-powerd.service",
                                        "nvidia-dcgm.service",
                                        "dcgm.service",
                                        "dcgm-exporter.service"};
  constexpr auto machines = "/etc/libvirt/qemu";
  Rivals rivals;
  for (const auto& name : host.list("/etc/driverctl.d"))
    // "pci-0000:65:00.0", or the address alone
    if (const auto address = PciAddress::parse(std::string_view(name).substr(name.find('-') + 1)))
      rivals.driverctl.push_back(*address);
  for (const auto& name : host.list(machines)) {
    if (!name.ends_with(".xml")) continue;
    for (const auto& address :
         find_managed_devices(host.read(fmt::format("{}/{}", machines, name)).value_or("")))
      rivals.libvirt.emplace_back(address, name);
  }
  rivals.udev_rules = find_udev_rules(host);
  rivals.gpu_operator = find_gpu_operator(host);
  for (const auto& unit : units)
    if (service_runs(host, unit)) rivals.services.push_back(unit);
  return rivals;
}

}  // namespace nvccd::preflight
