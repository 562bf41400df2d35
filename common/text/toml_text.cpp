#include <fmt/format.h>
#include <toml++/toml.h>

#include "common/text/configuration_text.h"

namespace nvccd {
namespace {

void flatten(const toml::node& node, const std::string& path, ConfigurationText& into) {
  const auto below = [&](std::string_view name) {
    return path.empty() ? std::string(name) : fmt::format("{}/{}", path, name);
  };
  if (const auto* table = node.as_table()) {
    for (const auto& [key, value] : *table)
      flatten(value, below(key.str()), into);
  } else if (const auto* array = node.as_array()) {
    std::size_t number = 0;
    for (const auto& item : *array)
      flatten(item, below(std::to_string(number++)), into);
  } else if (const auto* text = node.as_string()) {
    into.set(path, text->get());
  } else if (const auto* integer = node.as_integer()) {
    into.set(path, std::to_string(integer->get()));
  } else if (const auto* boolean = node.as_boolean()) {
    into.set(path, boolean->get() ? "true" : "false");
  }
}

}  // namespace

Result<ConfigurationText> parse_toml(std::string_view text) {
  try {
    ConfigurationText result;
    flatten(toml::parse(text), "", result);
    return result;
  } catch (const toml::parse_error& error) {
    return std::unexpected(
        Error{.kind = ErrorKind::invalid_config,
              .cause = fmt::format("line {}: {}", error.source().begin.line, error.description())});
  }
}

}  // namespace nvccd
