// Text that is fitted to the width of a terminal. A column is a character: what nvccctl prints has no wide
// ones.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace nvccd::client {

// Where text goes that is not fitted: pipes and files.
inline constexpr std::size_t any_width = std::numeric_limits<std::size_t>::max();

// What a page of text may look like.
struct Page {
  std::size_t width = any_width;  // columns
  bool colour = false;
};

// Columns that UTF-8 text takes.
std::size_t columns_of(std::string_view text);

// Control characters become question marks: what comes from elsewhere must not steer the terminal.
std::string printable(std::string_view text);

// "GH100 [H100..." in at most `width` columns; the text itself where it fits.
std::string elide(std::string_view text, std::size_t width);

// Breaks text at blanks into lines of at most `width` columns. Lines but the first begin with `indent`
// blanks; the first has `used` columns before it already. Words that are longer than a line are left whole.
// No newline at the end.
std::string wrap(std::string_view text, std::size_t width, std::size_t indent, std::size_t used);

std::vector<std::string> split_lines(std::string_view text);

}  // namespace nvccd::client
