#include "kubernetes/node-agent/line_splitter.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace nvccd::agent {

Result<> LineSplitter::feed(std::string_view data, const std::function<Result<>(std::string_view)>& take) {
  for (;;) {
    const auto end = data.find('\n');
    if (rest_.size() + std::min(end, data.size()) > longest_line)
      return std::unexpected(
          Error{.cause = fmt::format("the API server sent a line of more than {} bytes", longest_line)});
    if (end == std::string_view::npos) break;
    std::string kept;
    std::string_view line = data.substr(0, end);
    if (!rest_.empty()) {
      kept = std::exchange(rest_, {});
      kept += line;
      line = kept;
    }
    data.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (auto taken = take(line); !taken) return taken;
  }
  rest_ += data;
  return {};
}

}  // namespace nvccd::agent
