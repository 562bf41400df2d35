// A word of the bus that stands for a value of an enum.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "common/model/enum_table.h"

namespace nvccd::client {

// A newer daemon may have words that are not known here: such a word can be shown, and equals no value.
template <WordedEnum Enum>
struct Word {
  Word() = default;
  Word(Enum known) : text(to_string(known)), value(known) {}
  explicit Word(std::string word) : text(std::move(word)), value(parse_enum<Enum>(text)) {}

  bool operator==(const Word&) const = default;
  bool operator==(Enum known) const { return value == known; }

  std::string text;  // "": none was said
  std::optional<Enum> value;
};

}  // namespace nvccd::client
