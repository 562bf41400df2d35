// A device's directory in sysfs, kept open: it stays the same one, whatever its address leads to later.
#pragma once

#include "common/host/sysfs.h"
#include "daemon/pci/file_identity.h"

namespace nvccd {

// What is opened through it belongs to that device or fails: the directory of a device that was removed is
// empty, and the next device at the address has another directory.
class HeldDirectory {
 public:
  static Result<HeldDirectory> open(std::filesystem::path path);

  // Names are relative to the directory. Errors name the file by its path.
  Result<UniqueFd> open_file(const std::string& name, int flags) const;
  Result<std::string> read(const std::string& name) const;
  Result<> write(const std::string& name, std::string_view value) const;
  bool has(const std::string& name) const;
  // The last element of what the symbolic link points to; "" when there is no such link.
  std::string link_name(const std::string& name) const;

  const std::filesystem::path& path() const { return path_; }
  // Whether the path still leads to this directory. A removed directory never comes back.
  bool is_current() const { return leads_to(path_, fd_); }

 private:
  HeldDirectory(std::filesystem::path path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::filesystem::path path_;
  UniqueFd fd_;
};

}  // namespace nvccd
