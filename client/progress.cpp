#include "client/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "client/device_row.h"
#include "client/terminal.h"
#include "client/words.h"

namespace nvccd::client {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t bar_width = 20;

// "failed: the device did not boot"; the address is in the same line already.
Cell progress_state(const DeviceView& device) {
  std::string text = state_text(device);
  if (!device.error.empty()) {
    std::string_view error = device.error;
    if (const std::string prefix = device.address + ": "; error.starts_with(prefix))
      error.remove_prefix(prefix.size());
    text.append(": ").append(error);
  }
  return {.text = std::move(text), .colour = device.error.empty() ? Colour::none : Colour::red};
}

std::string device_lines(const std::vector<DeviceView>& devices, const Page& page) {
  std::vector<Column> columns{{}};
  for (Column& column : device_columns())
    columns.push_back({.elided_to = column.elided_to, .dispensable = column.dispensable});
  columns.back().elided_to = 24;
  std::vector<Row> rows;
  for (const DeviceView& device : devices) {
    Row row = device_row(device);
    for (Cell& cell : row) {
      cell.colour = Colour::none;  // that modes differ is no trouble here
      // Always brief, so that nothing moves while the other columns become wider and narrower.
      if (!cell.brief.empty()) cell.text = cell.brief;
    }
    row.back() = progress_state(device);
    row.insert(row.begin(), Cell{});
    rows.push_back(std::move(row));
  }
  return render_table(std::move(columns), std::move(rows), page);
}

std::string head_line(const std::string& title, const JobView& job, std::chrono::seconds elapsed,
                      std::size_t width) {
  const std::string doing_it = fmt::format("{}: {}", title, doing(job));
  if (job.state == JobState::waiting) return elide(fmt::format("{}  {} s", doing_it, elapsed.count()), width);
  const std::string numbers = fmt::format("{:3.0f} %  {} s", job.progress * 100, elapsed.count());
  const std::string whole = fmt::format("{}  {} {}", doing_it, bar(job.progress, bar_width), numbers);
  return whole.size() <= width ? whole : elide(doing_it + " " + numbers, width);
}

class LiveProgress final : public Progress {
 public:
  explicit LiveProgress(std::string title) : title_(std::move(title)) {}
  ~LiveProgress() override { clear(); }
  LiveProgress(const LiveProgress&) = delete;
  LiveProgress& operator=(const LiveProgress&) = delete;

  bool is_live() const override { return true; }

  void update(const JobView& job, const std::vector<DeviceView>& devices) override {
    const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(steady_clock::now() - begin_);
    Page page = page_of(STDERR_FILENO);
    const std::string top = to_top(page.width);
    --page.width;  // a full line would make some terminals begin another one
    const auto lines = progress_lines(title_, job, devices, elapsed, page, lines_of(STDERR_FILENO) - 1);
    std::string text = top;
    widths_.clear();
    for (const std::string& line : lines) {
      text += line + "\033[K\n";
      widths_.push_back(visible_columns(line));
    }
    write(text + "\033[J");
  }

  void clear() override {
    if (widths_.empty()) return;
    write(to_top(page_of(STDERR_FILENO).width) + "\033[J");
    widths_.clear();
  }

 private:
  static std::size_t visible_columns(std::string_view line) {
    std::size_t columns = columns_of(line);
    for (std::size_t at = line.find('\033'); at != std::string_view::npos; at = line.find('\033', at + 1))
      columns -= line.find('m', at) - at + 1;
    return columns;
  }

  // To the beginning of what was drawn. A terminal that has become narrower has broken the lines.
  std::string to_top(std::size_t width) const {
    std::size_t rows = 0;
    for (const std::size_t columns : widths_)
      rows += std::max<std::size_t>(1, (columns + width - 1) / width);
    return rows == 0 ? "\r" : fmt::format("\r\033[{}A", rows);
  }

  static void write(const std::string& text) {
    fmt::print(stderr, "{}", text);
    std::fflush(stderr);
  }

  std::string title_;
  steady_clock::time_point begin_ = steady_clock::now();
  std::vector<std::size_t> widths_;  // of the lines on the screen
};

class PlainProgress final : public Progress {
 public:
  explicit PlainProgress(std::string title) : title_(std::move(title)) {}

  void update(const JobView& job, const std::vector<DeviceView>&) override {
    // Before it runs its devices and its phase are a guess; its end is told by others.
    if ((job.state != JobState::waiting && job.state != JobState::running) || job.devices.empty()) return;
    std::string line = fmt::format("{}: {}, {}", title_, doing(job), count_devices(job.devices.size()));
    if (line == last_) return;
    last_ = std::move(line);
    fmt::print("{}\n", last_);
    std::fflush(stdout);
  }

 private:
  std::string title_;
  std::string last_;
};

}  // namespace

std::string bar(double progress, std::size_t width) {
  const double part = std::clamp(std::isfinite(progress) ? progress : 0.0, 0.0, 1.0);
  const auto full = static_cast<std::size_t>(part * static_cast<double>(width));
  return "[" + std::string(full, '#') + std::string(width - full, '-') + "]";
}

std::vector<std::string> progress_lines(const std::string& title, const JobView& job,
                                        const std::vector<DeviceView>& devices, std::chrono::seconds elapsed,
                                        const Page& page, std::size_t lines) {
  std::vector<std::string> text{head_line(title, job, elapsed, page.width)};
  std::vector<std::string> below = split_lines(device_lines(devices, page));
  const std::size_t room = std::max<std::size_t>(lines, 1) - 1;
  if (below.size() > room) {
    const std::size_t kept = room > 0 ? room - 1 : 0;
    const std::size_t missing = below.size() - kept;
    below.resize(kept);
    if (room > 0) below.push_back(fmt::format("  and {} more", missing));
  }
  std::ranges::move(below, std::back_inserter(text));
  return text;
}

std::unique_ptr<Progress> make_progress(std::string title) {
  if (is_rewritable(STDERR_FILENO)) return std::make_unique<LiveProgress>(std::move(title));
  return std::make_unique<PlainProgress>(std::move(title));
}

}  // namespace nvccd::client
