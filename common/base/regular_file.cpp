#include "common/base/regular_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/base/fd.h"

namespace nvccd {
namespace {

std::unexpected<Error> cannot(std::string_view action, const std::filesystem::path& path) {
  const int error_number = errno;
  return std::unexpected(system_error(fmt::format("cannot {} {}", action, path.string()), error_number));
}

std::unexpected<Error> refused(const std::filesystem::path& path, std::string_view why) {
  return std::unexpected(Error{.cause = fmt::format("{} {}", path.string(), why)});
}

}  // namespace

Result<std::string> read_regular_file(const std::filesystem::path& path, std::size_t limit) {
  // Opening a FIFO waits for a writer and opening a device may do things, so first only the name.
  const UniqueFd name(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!name) return cannot("open", path);
  struct stat status{};
  if (::fstat(name.get(), &status) != 0) return cannot("look at", path);
  if (!S_ISREG(status.st_mode)) return refused(path, "is no regular file");
  const UniqueFd fd(::open(fmt::format("/proc/self/fd/{}", name.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return cannot("open", path);

  std::string text;
  std::array<char, 16384> buffer;
  while (text.size() <= limit) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot("read", path);
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return refused(path, fmt::format("is larger than {} bytes", limit));
}

}  // namespace nvccd
