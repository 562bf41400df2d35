// Which drivers have the devices now, and which will have them after the next boot.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "preflight/check.h"

namespace nvccd::preflight {
namespace {

Verdict check_bound(const Subject& subject) {
  std::vector<std::string> others;
  std::vector<std::string> none;
  for (const auto& device : subject.devices) {
    if (device.facts.driver.empty())
      none.push_back(to_string(device.address));
    else if (!device.facts.driver_is_vfio)
      others.push_back(fmt::format("{} ({})", to_string(device.address), device.facts.driver));
  }
  if (!others.empty()) {
    const auto found = fmt::format("a driver of the host has {}", fmt::join(others, ", "));
    return fail(found,
                spare_excluded(subject, found)
                    ? "stop what uses the device, then nvccctl rescan"
                    : "stop what uses the device, keep that driver from loading (see driver.autoload), "
                      "then nvccctl rescan");
  }
  if (!none.empty())
    return warn(fmt::format("no driver has {}", fmt::join(none, ", ")),
                "systemctl enable --now nvccd; nvccctl show says why a device is not bound");
  return ok("every device is bound to a vfio driver");
}

Verdict check_loaded(const Subject& subject) {
  const auto& loaded = subject.modules.loaded;
  if (loaded.empty()) return ok("no display or compute driver is loaded");
  const auto found = fmt::format("loaded: {}", fmt::join(loaded, ", "));
  if (auto spared = spare_excluded(subject, found)) return *std::move(spared);
  return warn(found, fmt::format("stop what uses them, then modprobe -r {}", fmt::join(loaded, " ")));
}

std::optional<Verdict> modules_hidden(const Subject& subject) {
  if (subject.modules.visible) return std::nullopt;
  return skip("the modules of this kernel cannot be seen from here");
}

Verdict not_known(const Error& error) {
  return skip(fmt::format("the modules of this kernel cannot be seen: {}", error.message()));
}

Verdict check_autoload(const Subject& subject) {
  if (auto hidden = modules_hidden(subject)) return *std::move(hidden);
  std::vector<std::string> found;
  std::set<std::string> by_udev;
  for (const auto& device : subject.devices) {
    if (!device.autoloaded) continue;
    const auto& modules = *device.autoloaded;
    if (!modules) return not_known(modules.error());
    for (const auto& module : *modules)
      if (is_host_module(module)) by_udev.insert(module);
  }
  for (const auto& module : by_udev)
    found.push_back(fmt::format("{} by udev", module));
  std::ranges::copy(subject.modules.listed, std::back_inserter(found));
  if (found.empty()) return ok("no display or compute driver is loaded at the next boot");
  const auto text = fmt::format("loaded at the next boot: {}", fmt::join(found, ", "));
  if (auto spared = spare_excluded(subject, text)) return *std::move(spared);
  return warn(text,
              "deny them with \"blacklist NAME\" in /etc/modprobe.d (nvccctl check --fix does it) and remove "
              "the lines that name them");
}

Verdict check_initramfs(const Subject& subject) {
  const auto& found = subject.modules.initramfs_files;
  if (found.empty())
    return ok(
        "no setting puts a display or compute driver into the initramfs; the image itself was not looked "
        "into");
  return warn(
      fmt::format("put into the initramfs, where it takes the device before nvccd's udev rule can act: {}",
                  fmt::join(found, ", ")),
      "remove the modules from there, then rebuild the initramfs (update-initramfs -u, or dracut -f)");
}

Verdict check_packages(const Subject& subject) {
  auto found = subject.modules.dkms;
  const auto& installed = subject.modules.nvidia;
  if (installed && *installed) found.emplace_back("kernel module nvidia");
  if (!found.empty()) {
    const auto text = fmt::format("NVIDIA's driver is installed: {}", fmt::join(found, ", "));
    if (auto spared = spare_excluded(subject, text)) return *std::move(spared);
    return warn(text, "remove its packages: the guests have the driver, the host must not");
  }
  if (!installed) return not_known(installed.error());
  if (auto hidden = modules_hidden(subject)) return *std::move(hidden);
  return ok("no driver of NVIDIA is installed");
}

Verdict check_vfio(const Subject& subject) {
  if (subject.modules.vfio_pci_is_loaded) return ok("vfio-pci is loaded");
  if (auto hidden = modules_hidden(subject)) return *std::move(hidden);
  const auto& there = subject.modules.vfio_pci;
  if (!there) return not_known(there.error());
  if (*there)
    return warn("vfio-pci is there but not loaded", "modprobe vfio-pci (nvccctl check --fix does it)");
  return fail("this kernel has no vfio-pci", "install the package with the rest of the kernel's modules");
}

// Boards with a Grace processor: only the variant driver can pass their memory on to guests.
bool needs_grace_variant(std::uint16_t device) {
  constexpr std::uint16_t boards[] = {0x2342, 0x2345, 0x2348, 0x2941, 0x31c2};
  return std::ranges::find(boards, device) != std::end(boards);
}

Verdict check_variant(const Subject& subject) {
  if (subject.settings_or_default().vfio.driver != "auto")
    return skip("the settings name the driver (vfio.driver)");
  if (auto hidden = modules_hidden(subject)) return *std::move(hidden);
  constexpr std::string_view general = "vfio_pci";
  std::vector<std::string> wrong;
  std::vector<std::string> missing;
  for (const auto& device : subject.devices) {
    if (!device.vfio_modules) continue;
    const auto& modules = *device.vfio_modules;
    if (!modules) return not_known(modules.error());
    const auto best = modules->empty() ? std::string(general) : modules->front();
    if (best == general && needs_grace_variant(device.facts.device_id))
      missing.push_back(to_string(device.address));
    if (device.facts.driver_is_vfio && !device.module.empty() && device.module != best)
      wrong.push_back(
          fmt::format("{} has {}, {} is made for it", to_string(device.address), device.module, best));
  }
  if (!missing.empty())
    return fail(
        fmt::format("this kernel has no vfio driver for boards with Grace: {}", fmt::join(missing, ", ")),
        "boot a kernel with CONFIG_NVGRACE_GPU_VFIO_PCI");
  if (!wrong.empty())
    return warn(fmt::format("{}", fmt::join(wrong, "; ")), "nvccctl unbind and nvccctl bind it");
  return ok("every device has the vfio driver that is made for it");
}

constexpr Check driver_check_rows[] = {
    {"driver.bound", check_bound},
    {"driver.loaded", check_loaded},
    {"driver.autoload", check_autoload, true},
    {"driver.initramfs", check_initramfs},
    {"driver.packages", check_packages, true},
    {"vfio.driver", check_vfio, true},
    {"vfio.variant", check_variant, true},
};

}  // namespace

std::span<const Check> driver_checks() {
  return driver_check_rows;
}

}  // namespace nvccd::preflight
