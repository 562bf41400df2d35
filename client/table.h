// Cells in columns, fitted to a page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/text.h"

namespace nvccd::client {

enum class Colour { none, bold, dim, red, yellow };

std::string paint(std::string_view text, Colour colour, const Page& page);

struct Cell {
  std::string text;
  Colour colour = Colour::none;
  std::string brief = {};  // says the same in fewer columns; "" where nothing does
};
using Row = std::vector<Cell>;

// What may happen to a column when the table is wider than the page: first the brief texts are taken, then
// columns are elided from the left, then columns are left out, the highest `dispensable` first.
struct Column {
  std::string heading = {};   // with no heading in any column there is no line of headings
  std::size_t elided_to = 0;  // columns that remain at least; 0: never elided
  unsigned dispensable = 0;   // 0: never left out
};

// Each column as wide as its widest cell, two blanks between them, none at the ends of lines.
std::string render_table(std::vector<Column> columns, std::vector<Row> rows, const Page& page);

}  // namespace nvccd::client
