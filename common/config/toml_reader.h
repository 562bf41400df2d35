// Typed access to a TOML table: every value is checked where it stands, and a key that nobody read is a
// warning.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "common/model/enum_table.h"
#include "common/model/error.h"

namespace nvccd {

// "file:line:column: text"
std::string at_source(const std::string& file_name, const toml::source_region& source, std::string_view text);

// Collects the first error and every warning of one file.
struct TomlDiagnostics {
  std::string file_name;
  std::optional<Error> error;
  std::vector<std::string> warnings;

  void fail(const toml::node& node, std::string_view text);
};

class TomlTable {
 public:
  // `path` is the table's name in messages: "mode", "device".
  TomlTable(const toml::table& table, std::string path, TomlDiagnostics& diagnostics)
      : table_(table), path_(std::move(path)), diagnostics_(diagnostics) {}

  // Each sets `target` when the key is there and right.
  void read(std::string_view key, bool& target);
  void read(std::string_view key, std::string& target);
  void read(std::string_view key, unsigned& target, unsigned highest);

  // A string that `parse` turns into a value; `expected` describes what it accepts.
  template <typename T, typename Parse>
  void read(std::string_view key, T& target, Parse parse, std::string_view expected) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (const auto text = node->value_exact<std::string>()) {
      if (auto value = parse(*text)) {
        target = *std::move(value);
        return;
      }
    }
    wrong(key, *node, expected);
  }
  // One of the words of an enum.
  template <WordedEnum Enum>
  void read_enum(std::string_view key, auto& target) {
    std::string expected;
    for (const Enum value : all_values<Enum>) {
      if (!expected.empty()) expected += value == all_values<Enum>.back() ? " or " : ", ";
      expected.append("\"").append(to_string(value)).append("\"");
    }
    read(key, target, parse_enum<Enum>, expected);
  }

  // The sub-table or the array of tables of that name; nullptr when absent.
  const toml::table* table(std::string_view key);
  std::vector<const toml::table*> tables(std::string_view key);

  // Call last: a key that was not read is unknown.
  void warn_unknown();

 private:
  const toml::node* find(std::string_view key);
  void wrong(std::string_view key, const toml::node& node, std::string_view expected);
  std::string full_name(std::string_view key) const;

  const toml::table& table_;
  std::string path_;
  TomlDiagnostics& diagnostics_;
  std::vector<std::string> known_;
};

}  // namespace nvccd
