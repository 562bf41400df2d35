#include "common/text/base64.h"

#include <cstdint>

namespace nvccd {

std::optional<std::string> decode_base64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t group = 0;
  std::size_t count = 0;  // characters, padding included
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    const auto digit = digits.find(c);
    if (c == '=' ? ++padding > 2 : digit == digits.npos || padding > 0) return std::nullopt;
    group = group << 6U | (c == '=' ? 0 : static_cast<std::uint32_t>(digit));
    if (++count % 4 != 0) continue;
    for (const auto shift : {16U, 8U, 0U})
      bytes.push_back(static_cast<char>(group >> shift & 0xff));
  }
  if (count % 4 != 0) return std::nullopt;
  bytes.resize(bytes.size() - padding);
  return bytes;
}

}  // namespace nvccd
