// Whether two names lead to the same file.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <optional>

#include "common/base/fd.h"

namespace nvccd {

// Nothing else has the same identity as long as somebody has the file open, so a file that was removed and
// made anew is told from the one that is open.
struct FileIdentity {
  dev_t file_system = 0;
  ino_t inode = 0;
  dev_t device = 0;  // of a device node: which device it opens

  static FileIdentity of(const struct stat& status) {
    return {.file_system = status.st_dev, .inode = status.st_ino, .device = status.st_rdev};
  }
  // nullopt: there is no such file, or it cannot be looked at.
  static std::optional<FileIdentity> of(const std::filesystem::path& file) {
    struct stat status{};
    if (::stat(file.c_str(), &status) < 0) return std::nullopt;
    return of(status);
  }
  static std::optional<FileIdentity> of(const UniqueFd& file) {
    struct stat status{};
    if (::fstat(file.get(), &status) < 0) return std::nullopt;
    return of(status);
  }

  bool operator==(const FileIdentity&) const = default;
};

// Whether the name leads to the very file that is open, rather than to nothing or to a file made anew.
inline bool leads_to(const std::filesystem::path& name, const UniqueFd& file) {
  const auto named = FileIdentity::of(name);
  return named && named == FileIdentity::of(file);
}

}  // namespace nvccd
