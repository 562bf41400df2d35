// Which drivers have the devices, now and after the next boot.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "common/host/kernel_modules.h"
#include "preflight/check.h"
#include "preflight/host_modules.h"

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
  std::vector<std::string_view> loaded;
  for (const auto& module : host_modules)
    // One that is built in has no such file, and no kernel has these built in.
    if (subject.host.has(fmt::format("/sys/module/{}/initstate", module))) loaded.push_back(module);
  if (loaded.empty()) return ok("no display or compute driver is loaded");
  const auto found = fmt::format("loaded: {}", fmt::join(loaded, ", "));
  if (auto spared = spare_excluded(subject, found)) return *std::move(spared);
  return warn(found, fmt::format("stop what uses them, then modprobe -r {}", fmt::join(loaded, " ")));
}

// libkmod says nothing of a directory that it may not look into (ProtectKernelModules=).
std::optional<Verdict> modules_hidden(const Subject& subject) {
  utsname name{};
  ::uname(&name);
  if (!subject.host.list(fmt::format("/lib/modules/{}", name.release)).empty()) return std::nullopt;
  return skip("the modules of this kernel cannot be seen from here");
}

Verdict not_known(const Error& error) {
  return skip(fmt::format("the modules of this kernel cannot be seen: {}", error.message()));
}

// Lines of /etc/modules and modules-load.d: a name each.
void add_listed_modules(const HostView& host, const std::string& file, std::vector<std::string>& found) {
  std::istringstream lines(host.read(file).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string module;
    if (!(words >> module) || !is_host_module(module)) continue;
    // Denied modules are not loaded by name either.
    if (const auto allowed = find_allowed_modules(module, host.root()); !allowed || !allowed->empty())
      found.push_back(fmt::format("{} by {}", module, file));
  }
}

std::vector<std::string> configuration_files(const HostView& host,
                                             std::initializer_list<const char*> directories) {
  std::vector<std::string> files;
  for (const auto* directory : directories)
    for (const auto& name : host.list(directory))
      if (name.ends_with(".conf")) files.push_back(fmt::format("{}/{}", directory, name));
  return files;
}

Verdict check_autoload(const Subject& subject) {
  if (auto hidden = modules_hidden(subject)) return *std::move(hidden);
  std::vector<std::string> found;
  std::set<std::string> by_udev;
  for (const auto& device : subject.devices) {
    auto modalias = read_attribute(subject.host.kernel().device(device.address) / "modalias");
    if (!modalias) continue;
    const auto modules = find_allowed_modules(*modalias, subject.host.root());
    if (!modules) return not_known(modules.error());
    for (const auto& module : *modules)
      if (is_host_module(module)) by_udev.insert(module);
  }
  for (const auto& module : by_udev)
    found.push_back(fmt::format("{} by udev", module));
  for (const auto& file : configuration_files(
           subject.host, {"/etc/modules-load.d", "/run/modules-load.d", "/usr/lib/modules-load.d"}))
    add_listed_modules(subject.host, file, found);
  add_listed_modules(subject.host, "/etc/modules", found);
  if (found.empty()) return ok("no display or compute driver is loaded at the next boot");
  const auto text = fmt::format("loaded at the next boot: {}", fmt::join(found, ", "));
  if (auto spared = spare_excluded(subject, text)) return *std::move(spared);
  return warn(text,
              "deny them with \"blacklist NAME\" in /etc/modprobe.d (nvccctl check --fix does it) and remove "
              "the lines that name them");
}

// Words of a configuration line without the quotes and brackets around them.
bool names_host_module(std::string line) {
  if (line.find_first_not_of(" \t") == line.find('#')) return false;
  std::ranges::replace_if(
      line, [](char c) { return c == '"' || c == '\'' || c == '(' || c == ')' || c == '='; }, ' ');
  std::istringstream words(line);
  for (std::string word; words >> word;)
    if (is_host_module(word)) return true;
  return false;
}

Verdict check_initramfs(const Subject& subject) {
  const auto& host = subject.host;
  auto files = configuration_files(host, {"/etc/dracut.conf.d", "/usr/lib/dracut/dracut.conf.d"});
  for (const auto* file : {"/etc/dracut.conf", "/etc/initramfs-tools/modules", "/etc/mkinitcpio.conf"})
    files.emplace_back(file);
  std::vector<std::string> found;
  for (const auto& file : files) {
    std::istringstream lines(host.read(file).value_or(""));
    for (std::string line; std::getline(lines, line);) {
      // "omit_drivers" keeps drivers out.
      if (line.find("omit") != std::string::npos || !names_host_module(line)) continue;
      found.push_back(file);
      break;
    }
  }
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
  std::vector<std::string> found;
  for (const auto& name : subject.host.list("/var/lib/dkms"))
    if (name.starts_with("nvidia")) found.push_back(fmt::format("/var/lib/dkms/{}", name));
  const auto installed = has_module("nvidia", subject.host.root());
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
  if (subject.host.has("/sys/bus/pci/drivers/vfio-pci")) return ok("vfio-pci is loaded");
  if (auto hidden = modules_hidden(subject)) return *std::move(hidden);
  const auto there = has_module("vfio_pci", subject.host.root());
  if (!there) return not_known(there.error());
  if (*there)
    return warn("vfio-pci is there but not loaded", "modprobe vfio-pci (nvccctl check --fix does it)");
  return fail("this kernel has no vfio-pci", "install the package with the rest of the kernel's modules");
}

// Boards with a Grace processor, whose memory only the variant driver can hand on.
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
    const auto modalias = read_attribute(subject.host.kernel().device(device.address) / "modalias");
    if (!modalias) continue;
    const auto modules = find_vfio_modules(*modalias, subject.host.root());
    if (!modules) return not_known(modules.error());
    const auto best = modules->empty() ? std::string(general) : modules->front();
    if (best == general && needs_grace_variant(device.facts.device_id))
      missing.push_back(to_string(device.address));
    const auto bound = link_name(subject.host.kernel().driver(device.facts.driver) / "module");
    if (device.facts.driver_is_vfio && !bound.empty() && bound != best)
      wrong.push_back(fmt::format("{} has {}, {} is made for it", to_string(device.address), bound, best));
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
