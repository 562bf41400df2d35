#include "common/config/toml_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace nvccd {

std::string at_source(const std::string& file_name, const toml::source_region& source,
                      std::string_view text) {
  return fmt::format("{}:{}:{}: {}", file_name, source.begin.line, source.begin.column, text);
}

void TomlDiagnostics::fail(const toml::node& node, std::string_view text) {
  if (!error)
    error = Error{.kind = ErrorKind::invalid_config, .cause = at_source(file_name, node.source(), text)};
}

const toml::node* TomlTable::find(std::string_view key) {
  known_.emplace_back(key);
  return table_.get(key);
}

std::string TomlTable::full_name(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

void TomlTable::wrong(std::string_view key, const toml::node& node, std::string_view expected) {
  diagnostics_.fail(node, fmt::format("{} must be {}", full_name(key), expected));
}

void TomlTable::read(std::string_view key, bool& target) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (const auto value = node->value_exact<bool>())
    target = *value;
  else
    wrong(key, *node, "true or false");
}

void TomlTable::read(std::string_view key, std::string& target) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (auto value = node->value_exact<std::string>())
    target = *std::move(value);
  else
    wrong(key, *node, "a string");
}

void TomlTable::read(std::string_view key, unsigned& target, unsigned highest) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto value = node->value_exact<std::int64_t>();
  if (value && *value >= 0 && *value <= std::int64_t{highest})
    target = static_cast<unsigned>(*value);
  else
    wrong(key, *node, fmt::format("a whole number from 0 to {}", highest));
}

const toml::table* TomlTable::table(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return nullptr;
  if (const auto* value = node->as_table()) return value;
  wrong(key, *node, "a table");
  return nullptr;
}

std::vector<const toml::table*> TomlTable::tables(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return {};
  std::vector<const toml::table*> found;
  const auto* array = node->as_array();
  for (std::size_t i = 0; array != nullptr && i < array->size(); ++i)
    if (const auto* value = array->get(i)->as_table()) found.push_back(value);
  if (array == nullptr || found.size() != array->size()) {
    wrong(key, *node, fmt::format("an array of tables, written [[{}]]", key));
    return {};
  }
  return found;
}

void TomlTable::warn_unknown() {
  for (const auto& [key, node] : table_) {
    if (std::ranges::find(known_, key.str()) != known_.end()) continue;
    diagnostics_.warnings.push_back(
        at_source(diagnostics_.file_name, key.source(),
                  fmt::format("unknown setting {}, ignored", full_name(key.str()))));
  }
}

}  // namespace nvccd
