#include "common/base/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/fd.h"

namespace nvccd {
namespace {

std::unexpected<Error> failed(std::string_view action, const std::filesystem::path& path) {
  const int error_number = errno;
  return std::unexpected(system_error(fmt::format("{} {}", action, path.string()), error_number));
}

Result<> write_all(int fd, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("write", path);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<> write_new_file(const std::filesystem::path& path, std::string_view content, mode_t mode,
                        Lasting lasting) {
  if (auto removed = remove_file(path); !removed) return removed;  // left over from a crash
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!fd) return failed("create", path);
  if (::fchmod(fd.get(), mode) < 0) return failed("set the permissions of", path);
  if (auto written = write_all(fd.get(), content, path); !written) return written;
  if (lasting == Lasting::yes && ::fsync(fd.get()) < 0) return failed("flush", path);
  return {};
}

Result<> sync_directory_of(const std::filesystem::path& path) {
  const std::filesystem::path directory = path.has_parent_path() ? path.parent_path() : ".";
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return failed("open", directory);
  if (::fsync(fd.get()) < 0) return failed("flush", directory);
  return {};
}

}  // namespace

Result<> write_file_atomically(const std::filesystem::path& path, std::string_view content, mode_t mode,
                               Lasting lasting) {
  const auto temporary = path.parent_path() / ("." + path.filename().string() + ".new");
  auto written = write_new_file(temporary, content, mode, lasting);
  if (written && ::rename(temporary.c_str(), path.c_str()) < 0) written = failed("replace", path);
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (lasting == Lasting::no) return {};
  return sync_directory_of(path);
}

Result<> remove_file(const std::filesystem::path& path, Lasting lasting) {
  if (::unlink(path.c_str()) == 0) return lasting == Lasting::yes ? sync_directory_of(path) : Result<>();
  if (errno == ENOENT || errno == ENOTDIR) return {};
  const int error_number = errno;
  // Where nothing can be written the kernel refuses before it looks.
  struct stat status{};
  if (error_number == EROFS && ::lstat(path.c_str(), &status) < 0 && errno == ENOENT) return {};
  errno = error_number;
  return failed("remove", path);
}

}  // namespace nvccd
