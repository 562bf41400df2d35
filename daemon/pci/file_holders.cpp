#include "pci/file_holders.h"

#include <fmt/format.h>

#include <algorithm>

namespace nvccd {
namespace {

bool has_open(const std::filesystem::path& process, const std::string& node) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(process / "fd", error)) {
    std::error_code gone;  // the process may close it, or end, at any moment
    if (std::filesystem::read_symlink(entry.path(), gone) == node) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string> find_holder(const HostPaths& paths, const std::string& node) {
  std::error_code error;
  for (const auto& process : std::filesystem::directory_iterator(paths.proc, error)) {
    const auto pid = process.path().filename().string();
    if (!std::ranges::all_of(pid, [](char c) { return c >= '0' && c <= '9'; })) continue;
    if (!has_open(process.path(), node)) continue;
    const auto name = read_attribute(process.path() / "comm");
    return fmt::format("{} (pid {})", name.value_or("a process"), pid);
  }
  return std::nullopt;
}

}  // namespace nvccd
