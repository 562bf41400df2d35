// An API server that sends the node agent anything at all, in pieces.
#include <cstdint>
#include <string_view>

#include "kubernetes/node-agent/line_splitter.h"
#include "kubernetes/node-agent/object_meta.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nvccd::agent;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_object(text);
  (void)parse_list(text);
  (void)status_message(text);
  LineSplitter lines;
  const std::size_t piece = size == 0 ? 1 : 1 + data[0] % 64;
  for (std::size_t at = 0; at < size; at += piece)
    (void)lines.feed(text.substr(at, piece), [](std::string_view line) -> nvccd::Result<> {
      (void)parse_watch_event(line);
      return {};
    });
  return 0;
}
