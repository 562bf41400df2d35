#include "screen.h"

#include <algorithm>
#include <stdexcept>

namespace nvccd::test {

void Screen::write(std::string_view text) {
  while (!text.empty()) {
    if (text.front() == '\033') {
      if (text.find_first_of("@ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 2) ==
          std::string_view::npos)
        return;  // the rest of it has not come yet
      text = obey(text);
      continue;
    }
    put(text.front());
    text.remove_prefix(1);
  }
}

void Screen::put(char c) {
  if (c == '\r') {
    column_ = 0;
    return;
  }
  if (c == '\n') return line_feed();
  if (static_cast<unsigned char>(c) < 0x20) throw std::runtime_error("unknown control character");
  if (column_ == columns_) {
    column_ = 0;
    line_feed();
  }
  std::string& line = lines_[row_];
  line.resize(std::max(line.size(), column_ + 1), ' ');
  line[column_++] = c;
}

void Screen::line_feed() {
  if (++row_ == lines_.size()) lines_.emplace_back();
}

std::string_view Screen::obey(std::string_view sequence) {
  std::size_t end = 2;
  while (end < sequence.size() && (sequence[end] < '@' || sequence[end] > '~'))
    ++end;
  const std::string arguments(sequence.substr(2, end - 2));
  const char what = end < sequence.size() ? sequence[end] : '\0';
  std::string& line = lines_[row_];
  if (what == 'A') {
    row_ -= std::min<std::size_t>(row_, std::stoul(arguments));
  } else if ((what == 'K' || what == 'J') && arguments.empty()) {
    line.resize(std::min(line.size(), column_));
    if (what == 'J') lines_.resize(row_ + 1);
  } else if (what != 'm') {
    throw std::runtime_error("unknown control sequence " + arguments + what);
  }
  return sequence.substr(std::min(end + 1, sequence.size()));
}

std::string Screen::text() const {
  std::string text;
  for (const std::string& line : lines_)
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  return text.substr(0, text.find_last_not_of('\n') + 1);
}

}  // namespace nvccd::test
