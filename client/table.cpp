#include "client/table.h"

#include <algorithm>

namespace nvccd::client {
namespace {

constexpr std::size_t gap = 2;

constexpr std::string_view escape(Colour colour) {
  switch (colour) {
    case Colour::bold:
      return "\033[1m";
    case Colour::dim:
      return "\033[2m";
    case Colour::red:
      return "\033[31m";
    case Colour::yellow:
      return "\033[33m";
    case Colour::none:
      break;
  }
  return "";
}

class Table {
 public:
  Table(std::vector<Column> columns, std::vector<Row> rows)
      : columns_(std::move(columns)), rows_(std::move(rows)) {
    if (std::ranges::any_of(columns_, [](const Column& column) { return !column.heading.empty(); }))
      add_headings();
    for (Row& row : rows_)
      for (Cell& cell : row)
        cell.text = printable(cell.text);
    measure();
  }

  void fit(std::size_t width) {
    if (total() <= width) return;
    be_brief();
    for (std::size_t i = 0; i < columns_.size() && total() > width; ++i)
      elide_column(i, total() - width);
    while (total() > width && leave_out_one()) {
    }
  }

  std::string text(const Page& page) const {
    std::string text;
    for (const Row& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string shown = elide(row[i].text, widths_[i]);
        text += paint(shown, row[i].colour, page);
        if (i + 1 < row.size()) text.append(widths_[i] - columns_of(shown) + gap, ' ');
      }
      text += '\n';
    }
    return text;
  }

 private:
  void add_headings() {
    Row headings;
    for (const Column& column : columns_)
      headings.push_back({column.heading, Colour::bold});
    rows_.insert(rows_.begin(), std::move(headings));
  }

  void measure() {
    widths_.assign(columns_.size(), 0);
    for (const Row& row : rows_)
      for (std::size_t i = 0; i < row.size(); ++i)
        widths_[i] = std::max(widths_[i], columns_of(row[i].text));
  }

  std::size_t total() const {
    std::size_t sum = widths_.empty() ? 0 : (widths_.size() - 1) * gap;
    for (const std::size_t width : widths_)
      sum += width;
    return sum;
  }

  void be_brief() {
    for (Row& row : rows_)
      for (Cell& cell : row)
        if (!cell.brief.empty()) cell.text = printable(cell.brief);
    measure();
  }

  void elide_column(std::size_t index, std::size_t excess) {
    const std::size_t least = columns_[index].elided_to;
    if (least == 0 || widths_[index] <= least) return;
    widths_[index] -= std::min(excess, widths_[index] - least);
  }

  bool leave_out_one() {
    const auto found = std::ranges::max_element(columns_, {}, &Column::dispensable);
    if (found == columns_.end() || found->dispensable == 0) return false;
    const auto index = found - columns_.begin();
    columns_.erase(found);
    widths_.erase(widths_.begin() + index);
    for (Row& row : rows_)
      row.erase(row.begin() + index);
    return true;
  }

  std::vector<Column> columns_;
  std::vector<Row> rows_;
  std::vector<std::size_t> widths_;
};

}  // namespace

std::string paint(std::string_view text, Colour colour, const Page& page) {
  if (!page.colour || colour == Colour::none) return std::string(text);
  return std::string(escape(colour)).append(text).append("\033[0m");
}

std::string render_table(std::vector<Column> columns, std::vector<Row> rows, const Page& page) {
  Table table(std::move(columns), std::move(rows));
  table.fit(page.width);
  return table.text(page);
}

}  // namespace nvccd::client
