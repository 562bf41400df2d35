#include "preflight/host_view.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>

namespace nvccd::preflight {
namespace {

// More than any directory that is looked at has; a hostile one is not read for ever.
constexpr std::size_t max_entries = 10'000;

}  // namespace

bool HostView::has(std::string_view absolute) const {
  std::error_code error;
  return std::filesystem::exists(path(absolute), error);
}

Result<std::string> HostView::read(std::string_view absolute, std::size_t limit) const {
  const auto file = path(absolute);
  // Opening a FIFO waits for a writer and opening a device may do things, so first only the name.
  const auto name = open_file(file, O_PATH);
  if (!name) return std::unexpected(name.error());
  struct stat status{};
  if (::fstat(name->get(), &status) != 0)
    return std::unexpected(system_error(fmt::format("cannot look at {}", file.string()), errno));
  if (!S_ISREG(status.st_mode))
    return std::unexpected(Error{.cause = fmt::format("{} is no regular file", file.string())});
  const UniqueFd fd(::open(fmt::format("/proc/self/fd/{}", name->get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::unexpected(system_error(fmt::format("cannot open {}", file.string()), errno));

  std::string text;
  std::array<char, 16384> buffer;
  while (text.size() <= limit) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(system_error(fmt::format("cannot read {}", file.string()), errno));
    if (got == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  if (text.size() > limit)
    return std::unexpected(Error{.cause = fmt::format("{} is larger than {} bytes", file.string(), limit)});
  return text;
}

std::vector<std::string> HostView::list(std::string_view absolute) const {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(path(absolute), error);
  for (; !error && entry != std::filesystem::directory_iterator() && names.size() < max_entries;
       entry.increment(error)) {
    auto name = entry->path().filename().string();
    if (!name.starts_with('.')) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

std::string HostView::resolve(const std::string& absolute) const {
  std::error_code error;
  const auto root = std::filesystem::canonical(path("/"), error).string();
  const auto file = std::filesystem::canonical(path(absolute), error).string();
  if (error) return absolute;
  if (root == "/") return file;
  return file.starts_with(root + "/") ? file.substr(root.size()) : absolute;
}

std::vector<std::string> HostView::kernel_arguments() const {
  std::vector<std::string> words;
  std::istringstream line(read("/proc/cmdline").value_or(""));
  for (std::string word; line >> word;)
    words.push_back(std::move(word));
  return words;
}

}  // namespace nvccd::preflight
