#include "daemon/pci/held_directory.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <climits>

namespace nvccd {

Result<HeldDirectory> HeldDirectory::open(std::filesystem::path path) {
  auto fd = nvccd::open_file(path, O_PATH | O_DIRECTORY);
  if (!fd) return std::unexpected(fd.error());
  return HeldDirectory(std::move(path), *std::move(fd));
}

Result<UniqueFd> HeldDirectory::open_file(const std::string& name, int flags) const {
  UniqueFd fd(::openat(fd_.get(), name.c_str(), flags | O_CLOEXEC));
  if (!fd)
    return std::unexpected(system_error(fmt::format("cannot open {}", (path_ / name).string()), errno));
  return fd;
}

Result<std::string> HeldDirectory::read(const std::string& name) const {
  const auto fd = open_file(name, O_RDONLY);
  if (!fd) return std::unexpected(fd.error());
  return read_attribute(*fd, path_ / name);
}

Result<> HeldDirectory::write(const std::string& name, std::string_view value) const {
  const auto fd = open_file(name, O_WRONLY);
  if (!fd) return std::unexpected(fd.error());
  return write_attribute(*fd, path_ / name, value);
}

bool HeldDirectory::has(const std::string& name) const {
  return ::faccessat(fd_.get(), name.c_str(), F_OK, 0) == 0;
}

std::string HeldDirectory::link_name(const std::string& name) const {
  std::array<char, PATH_MAX> target;
  const ssize_t size = ::readlinkat(fd_.get(), name.c_str(), target.data(), target.size());
  if (size < 0) return {};
  return std::filesystem::path(std::string(target.data(), static_cast<std::size_t>(size))).filename();
}

}  // namespace nvccd
