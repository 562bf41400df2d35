#include "client/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace nvccd::client {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_dumb() {
  const std::string_view term = environment("TERM");
  return term.empty() || term == "dumb";
}

winsize size_of(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) < 0) return {};
  return size;
}

// A terminal that does not know its size (a serial line) is taken for a usual one.
std::size_t width_of(int fd) {
  const std::string_view columns = environment("COLUMNS");
  std::size_t width = 0;
  const auto [end, error] = std::from_chars(columns.data(), columns.data() + columns.size(), width);
  if (error == std::errc() && end == columns.data() + columns.size() && width > 0) return width;
  const winsize size = size_of(fd);
  return size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

Page page_of(int fd) {
  if (!::isatty(fd)) return {};
  return {.width = width_of(fd), .colour = environment("NO_COLOR").empty() && !is_dumb()};
}

bool is_rewritable(int fd) {
  return ::isatty(fd) && !is_dumb();
}

std::size_t lines_of(int fd) {
  const winsize size = size_of(fd);
  return size.ws_row > 0 ? size.ws_row : 24;
}

}  // namespace nvccd::client
