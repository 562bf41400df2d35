#include "common/host/virtual_functions.h"

#include <fmt/format.h>

#include <iterator>

namespace nvccd {
namespace {

// "mdev_supported_types/nvidia-557/devices" has a link for each mediated device of that type.
std::ptrdiff_t count_mediated_devices(const std::filesystem::path& device) {
  std::ptrdiff_t count = 0;
  std::error_code error;
  for (const auto& type : std::filesystem::directory_iterator(device / "mdev_supported_types", error)) {
    std::error_code none;
    count += std::distance(std::filesystem::directory_iterator(type.path() / "devices", none), {});
  }
  return count;
}

}  // namespace

bool is_virtual_function(const HostPaths& paths, const PciAddress& address) {
  std::error_code error;
  return std::filesystem::is_symlink(paths.device(address) / "physfn", error);
}

std::optional<std::string> find_parts(const HostPaths& paths, const PciAddress& address) {
  const auto device = paths.device(address);
  if (const auto functions = read_number(device / "sriov_numvfs", 10); functions && *functions > 0)
    return fmt::format("{} virtual function(s) of it are active", *functions);
  if (const auto mediated = count_mediated_devices(device); mediated > 0)
    return fmt::format("{} vGPU(s) have been made of it", mediated);
  return std::nullopt;
}

}  // namespace nvccd
