// A read-only view of the host for the checks. The files may contain anything: other programs wrote them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/host/sysfs.h"

namespace nvccd::preflight {

class HostView {
 public:
  // `root` is put before every path; "": this host. Tests have directory trees there.
  explicit HostView(std::string root = "") : root_(std::move(root)) {}

  HostPaths kernel() const { return {.sys = root_ + "/sys", .dev = root_ + "/dev", .proc = root_ + "/proc"}; }
  std::filesystem::path path(std::string_view absolute) const { return root_ + std::string(absolute); }

  // For libraries that take a root directory.
  const std::string& root() const { return root_; }

  // Follows symbolic links. False for what is in a directory that may not be entered.
  bool has(std::string_view absolute) const;

  // As read_regular_file().
  Result<std::string> read(std::string_view absolute, std::size_t limit = 1 << 20) const;

  // Names of what is in a directory, sorted; empty where there is none. Hidden ones are left out.
  std::vector<std::string> list(std::string_view absolute) const;

  // Where a chain of symbolic links ends; the path itself where that cannot be told.
  std::string resolve(const std::string& absolute) const;

  // The kernel's command line, word by word.
  std::vector<std::string> kernel_arguments() const;

 private:
  std::string root_;
};

}  // namespace nvccd::preflight
