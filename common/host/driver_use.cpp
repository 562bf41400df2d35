#include "common/host/driver_use.h"

#include <fmt/format.h>

namespace nvccd {
namespace {

// Every open file of a module counts in its use count, and so does each module that builds on it: those are
// no users, but may have some.
std::optional<std::string> find_module_use(const HostPaths& paths, const std::string& module) {
  const auto directory = fmt::format("{}/module/{}", paths.sys, module);
  auto users = read_number(directory + "/refcnt", 10);
  if (!users)
    return fmt::format("the use count of module {} cannot be read ({})", module, users.error().cause);
  std::error_code error;
  for (const auto& holder : std::filesystem::directory_iterator(directory + "/holders", error)) {
    if (auto use = find_module_use(paths, holder.path().filename().string())) return use;
    --*users;
  }
  if (*users > 0) return fmt::format("module {} has {} user(s)", module, *users);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> find_driver_use(const HostPaths& paths, const std::string& driver) {
  const auto module = link_name(paths.driver(driver) / "module");
  return find_module_use(paths, module.empty() ? driver : module);
}

}  // namespace nvccd
