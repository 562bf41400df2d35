#include "client/text.h"

#include <algorithm>

namespace nvccd::client {
namespace {

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
}

constexpr std::string_view ellipsis = "...";

// Less than this for words is no use: better leave breaking to the terminal.
constexpr std::size_t least_text_width = 20;

}  // namespace

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

std::string printable(std::string_view text) {
  std::string clean;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F begin control sequences too, in UTF-8 as two bytes.
    const bool is_c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (is_c1) ++i;
    clean += byte < 0x20 || byte == 0x7f || is_c1 ? '?' : text[i];
  }
  return clean;
}

std::string elide(std::string_view text, std::size_t width) {
  if (columns_of(text) <= width) return std::string(text);
  const std::size_t kept = width > ellipsis.size() ? width - ellipsis.size() : 0;
  std::string shortened;
  std::size_t columns = 0;
  for (const char c : text) {
    if (begins_character(c) && ++columns > kept) break;
    shortened += c;
  }
  return shortened.append(ellipsis.substr(0, width));
}

std::string wrap(std::string_view text, std::size_t width, std::size_t indent, std::size_t used) {
  if (width == any_width || width < indent + least_text_width) return std::string(text);
  std::string wrapped;
  std::size_t column = used;
  bool line_is_empty = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t size = columns_of(word);
    if (!line_is_empty && column + 1 + size > width) {
      wrapped.append("\n").append(indent, ' ');
      column = indent;
      line_is_empty = true;
    }
    if (!line_is_empty) {
      wrapped += ' ';
      ++column;
    }
    wrapped += word;
    column += size;
    line_is_empty = false;
  }
  return wrapped;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace nvccd::client
