#include "preflight/host_modules.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <sstream>

#include "common/host/kernel_modules.h"

namespace nvccd::preflight {
namespace {

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

std::vector<std::string> find_initramfs_files(const HostView& host) {
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
  return found;
}

}  // namespace

Modules look_at_modules(const HostView& host) {
  Modules modules;
  utsname kernel{};
  ::uname(&kernel);
  modules.visible = !host.list(fmt::format("/lib/modules/{}", kernel.release)).empty();
  modules.nvidia = has_module("nvidia", host.root());
  modules.vfio_pci = has_module("vfio_pci", host.root());
  modules.iommufd = has_module("iommufd", host.root());
  modules.vfio_pci_is_loaded = host.has("/sys/bus/pci/drivers/vfio-pci");
  modules.vfio_pci_options = module_options("vfio_pci", host.root()).value_or("");
  for (const auto& module : host_modules)
    // One that is built in has no such file, and no kernel has these built in.
    if (host.has(fmt::format("/sys/module/{}/initstate", module))) modules.loaded.push_back(module);
  for (const auto& file :
       configuration_files(host, {"/etc/modules-load.d", "/run/modules-load.d", "/usr/lib/modules-load.d"}))
    add_listed_modules(host, file, modules.listed);
  add_listed_modules(host, "/etc/modules", modules.listed);
  modules.initramfs_files = find_initramfs_files(host);
  for (const auto& name : host.list("/var/lib/dkms"))
    if (name.starts_with("nvidia")) modules.dkms.push_back(fmt::format("/var/lib/dkms/{}", name));
  return modules;
}

}  // namespace nvccd::preflight
