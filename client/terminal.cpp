#include "client/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace nvccd::client {
namespace {

bool is_dumb() {
  const char* term = std::getenv("TERM");
  return !term || std::string_view(term) == "dumb";
}

std::size_t columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

constexpr const char* wipe_line = "\r\033[K";

}  // namespace

bool want_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  return !(no_colour && *no_colour) && ::isatty(STDOUT_FILENO) && !is_dumb();
}

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) && !is_dumb()) {}

void ProgressLine::show(const std::string& text) {
  if (!terminal_) return;
  fmt::print(stderr, "{}{}", wipe_line, text.substr(0, columns() - 1));
  std::fflush(stderr);
  shown_ = true;
}

void ProgressLine::wipe() {
  if (!shown_) return;
  fmt::print(stderr, "{}", wipe_line);
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace nvccd::client
