#include "preflight/host_view.h"

#include <algorithm>
#include <sstream>

#include "common/base/regular_file.h"

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
  return read_regular_file(path(absolute), limit);
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
