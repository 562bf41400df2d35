#include "common/formats/withdrawal.h"

#include <sys/stat.h>

#include <cerrno>

#include "common/base/atomic_file.h"

namespace nvccd {

std::optional<bool> is_withdrawn(const std::filesystem::path& file) {
  struct stat status{};
  if (::lstat(file.c_str(), &status) == 0) return true;
  return errno == ENOENT || errno == ENOTDIR ? std::optional(false) : std::nullopt;
}

Result<> set_withdrawn(const std::filesystem::path& file, bool withdrawn) {
  if (!withdrawn) return remove_file(file);
  if (is_withdrawn(file) == true) return {};
  std::error_code none;  // the writing says what is wrong
  std::filesystem::create_directories(file.parent_path(), none);
  return write_file_atomically(file, "the Confidential Computing mode of this node is being changed\n", 0644);
}

}  // namespace nvccd
