// Which drivers have the devices, now and after the next boot.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "preflight/check.h"

namespace nvccd::preflight {
namespace {

constexpr std::string_view host_modules[] = {"nvidia",           "nvidia_drm", "nvidia_fs", "nvidia_modeset",
                                             "nvidia_peermem",   "nvidia_uvm", "nouveau",   "nvidiafb",
                                             "nvidia_vgpu_vfio", "nova_core"};

Verdict check_bound(const Subject& subject) {
  std::vector<std::string> others;
  std::vector<std::string> none;
  for (const auto& device : subject.devices) {
    if (device.facts.driver.empty())
      none.push_back(to_string(device.address));
    else if (!device.facts.driver_is_vfio)
      others.push_back(fmt::format("{} ({})", to_string(device.address), device.facts.driver));
  }
  if (!others.empty())
    return fail(fmt::format("a driver of the host has {}", fmt::join(others, ", ")),
                "stop what uses the device, keep that driver from loading (see driver.autoload), then "
                "nvccctl rescan");
  if (!none.empty())
    return warn(fmt::format("no driver has {}", fmt::join(none, ", ")),
                "systemctl enable --now nvccd; nvccctl show says why a device is not bound");
  return ok("every device is bound to a vfio driver");
}

Verdict check_loaded(const Subject& subject) {
  std::vector<std::string_view> loaded;
  for (const auto& module : host_modules)
    // A built-in module without parameters has no directory; no kernel has these built in.
    if (subject.host.has(fmt::format("/sys/module/{}/initstate", module))) loaded.push_back(module);
  if (loaded.empty()) return ok("no display or compute driver is loaded");
  return warn(fmt::format("loaded: {}", fmt::join(loaded, ", ")),
              fmt::format("modprobe -r {}; see driver.autoload for what loads it", fmt::join(loaded, " ")));
}

constexpr Check checks[] = {
    {"driver.bound", check_bound},
    {"driver.loaded", check_loaded},
};

}  // namespace

std::span<const Check> driver_checks() {
  return checks;
}

}  // namespace nvccd::preflight
