#include "pci/driver_use.h"

#include <fmt/format.h>

#include <iterator>

#include "pci/file_holders.h"

namespace nvccd {
namespace {

std::int64_t count_entries(const std::filesystem::path& directory) {
  std::error_code error;
  return std::distance(std::filesystem::directory_iterator(directory, error),
                       std::filesystem::directory_iterator());
}

}  // namespace

std::optional<std::string> find_driver_use(const HostPaths& paths, const PciAddress& address,
                                           const std::string& driver) {
  // Somebody who draws or computes has a DRM node of this device open.
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(paths.device(address) / "drm", error)) {
    const auto node = fmt::format("{}/dri/{}", paths.dev, entry.path().filename().string());
    if (const auto holder = find_holder(paths, node)) return fmt::format("{} has {} open", *holder, node);
  }
  // Every open file of the module, of whichever device, counts in its use count, and so do the modules that
  // build on it. nvidia.ko does not tell users of one of its devices from those of another, so any user
  // counts.
  const auto module = fmt::format("{}/module/{}", paths.sys, driver);
  const auto users = read_number(module + "/refcnt", 10);
  if (!users) return fmt::format("its use count cannot be read ({})", users.error().cause);
  const auto holders = count_entries(module + "/holders");
  if (*users > holders) return fmt::format("module {} has {} user(s)", driver, *users - holders);
  return std::nullopt;
}

}  // namespace nvccd
