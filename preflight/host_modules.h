// Drivers that use NVIDIA devices for the host itself, and so keep them from guests.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace nvccd::preflight {

inline constexpr std::string_view host_modules[] = {
    "nvidia",     "nvidia_drm", "nvidia_fs", "nvidia_modeset", "nvidia_peermem",
    "nvidia_uvm", "nouveau",    "nvidiafb",  "nova_core",      "nova_drm"};

// modprobe takes '-' for '_', and so does this.
inline bool is_host_module(std::string name) {
  std::ranges::replace(name, '-', '_');
  return std::ranges::find(host_modules, name) != std::end(host_modules);
}

}  // namespace nvccd::preflight
