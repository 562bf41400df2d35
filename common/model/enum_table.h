// The words of enums. One table beside an enum prints, reads and lists it:
//
//   template <>
//   inline constexpr EnumRow<Colour> enum_table<Colour>[] = {{Colour::red, "red"}, {Colour::blue, "blue"}};
//
// The table has a row for each value, in the order of the values; any other table does not compile.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace nvccd {

template <typename Enum>
struct EnumRow {
  Enum value;
  const char* word;
};

template <typename Enum>
inline constexpr std::nullptr_t enum_table = nullptr;

template <typename Enum>
concept WordedEnum = requires { std::size(enum_table<Enum>); };

// Compilers print a value that is none of the enum's as "= (Colour)2".
template <auto value>
consteval bool is_enumerator() {
  return !std::string_view(__PRETTY_FUNCTION__).contains("= (");
}

template <WordedEnum Enum>
inline constexpr auto all_values = [] {
  constexpr std::size_t count = std::size(enum_table<Enum>);
  static_assert(!is_enumerator<static_cast<Enum>(count)>(), "a value has no row");
  std::array<Enum, count> values{};
  std::ranges::transform(enum_table<Enum>, values.begin(), &EnumRow<Enum>::value);
  return values;
}();

template <WordedEnum Enum>
constexpr std::string_view to_string(Enum value) {
  static_assert(std::ranges::is_sorted(all_values<Enum>) && all_values<Enum>.front() == Enum{} &&
                static_cast<std::size_t>(all_values<Enum>.back()) == all_values<Enum>.size() - 1);
  return enum_table<Enum>[static_cast<std::size_t>(value)].word;
}

template <WordedEnum Enum>
constexpr std::optional<Enum> parse_enum(std::string_view word) {
  for (const Enum value : all_values<Enum>)
    if (to_string(value) == word) return value;
  return std::nullopt;
}

}  // namespace nvccd
