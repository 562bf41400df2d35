#include "common/model/mode.h"

#include <utility>

namespace nvccd {

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::off:
      return "off";
    case Mode::on:
      return "on";
    case Mode::devtools:
      return "devtools";
    case Mode::ppcie:
      return "ppcie";
  }
  std::unreachable();
}

std::string_view to_string(std::optional<Mode> mode) {
  return mode ? to_string(*mode) : "unknown";
}

std::optional<Mode> parse_mode(std::string_view text) {
  for (const Mode mode : all_modes)
    if (text == to_string(mode)) return mode;
  return std::nullopt;
}

}  // namespace nvccd
