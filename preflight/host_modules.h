// Drivers that use NVIDIA devices for the host itself, and so keep them from guests; and the kernel's modules
// as far as they matter to the devices.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "preflight/host_view.h"

namespace nvccd::preflight {

inline constexpr std::string_view host_modules[] = {
    "nvidia",     "nvidia_drm", "nvidia_fs", "nvidia_modeset", "nvidia_peermem",
    "nvidia_uvm", "nouveau",    "nvidiafb",  "nova_core",      "nova_drm"};

// Like modprobe, this takes '-' for '_'.
inline bool is_host_module(std::string name) {
  std::ranges::replace(name, '-', '_');
  return std::ranges::find(host_modules, name) != std::end(host_modules);
}

struct Modules {
  // libkmod says nothing of a directory that it may not look into (ProtectKernelModules=).
  bool visible = false;
  // Whether the kernel has these modules, loaded or not.
  Result<bool> nvidia = false;
  Result<bool> vfio_pci = false;
  Result<bool> iommufd = false;
  bool vfio_pci_is_loaded = false;
  std::string vfio_pci_options;              // of modprobe's configuration
  std::vector<std::string_view> loaded;      // the loaded ones of host_modules
  std::vector<std::string> listed;           // to be loaded at the next boot: "nvidia by /etc/modules"
  std::vector<std::string> initramfs_files;  // settings that put host_modules into it
  std::vector<std::string> dkms;             // directories of NVIDIA's drivers
};

Modules look_at_modules(const HostView& host);

}  // namespace nvccd::preflight
