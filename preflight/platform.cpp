#include "preflight/platform.h"

#include <fmt/format.h>

#include <sstream>

namespace nvccd::preflight {
namespace {

void read_processor(const HostView& host, Platform& platform) {
  // The first processor speaks for all; its flags are on one line near the top.
  std::istringstream lines(host.read("/proc/cpuinfo", 16 << 20).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      if (word == "sev_snp") platform.can_sev_snp = true;
      if (word == "tdx_host_platform") platform.can_tdx = true;
    }
    break;
  }
}

// "sev_es 410" in each line.
std::map<std::string, std::int64_t> parse_capacity(const std::string& text) {
  std::map<std::string, std::int64_t> capacity;
  std::istringstream lines(text);
  std::string name;
  for (std::int64_t number = 0; lines >> name >> number;)
    capacity.emplace(name, number);
  return capacity;
}

}  // namespace

Platform look_at_platform(const HostView& host) {
  constexpr auto capacity = "/sys/fs/cgroup/misc.capacity";
  constexpr auto lockdown = "/sys/kernel/security/lockdown";
  constexpr auto groups = "/sys/kernel/iommu_groups";
  Platform platform;
  read_processor(host, platform);
  platform.kernel_arguments = host.kernel_arguments();
  for (auto& name : host.list("/sys/class/misc"))
    platform.misc_devices.insert(std::move(name));
  if (host.has(capacity)) platform.guest_capacity = parse_capacity(host.read(capacity).value_or(""));
  platform.has_securityfs = !host.list("/sys/kernel/security").empty();
  if (host.has(lockdown)) platform.lockdown = host.read(lockdown);
  for (const auto& group : host.list(groups))
    platform.group_types[group] = host.read(fmt::format("{}/{}/type", groups, group)).value_or("");
  platform.has_iommu = !host.list("/sys/class/iommu").empty();
  platform.vfio_without_iommu =
      host.read("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode").value_or("").starts_with('Y');
  return platform;
}

}  // namespace nvccd::preflight
