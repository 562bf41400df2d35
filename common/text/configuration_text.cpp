#include "common/text/configuration_text.h"

#include <algorithm>

namespace nvccd {
namespace {

bool is_index(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<std::string> ConfigurationText::find(const std::string& path) const {
  const auto entry = values_.find(path);
  if (entry == values_.end()) return std::nullopt;
  return entry->second;
}

bool ConfigurationText::has(const std::string& path) const {
  return values_.contains(path) || !names_below(path).empty();
}

std::optional<std::string> ConfigurationText::find_last(std::string_view end_of_path) const {
  std::optional<std::string> found;
  for (const auto& [path, value] : values_)
    if (path == end_of_path || path.ends_with("/" + std::string(end_of_path))) found = value;
  return found;
}

std::vector<std::string> ConfigurationText::find_list(const std::string& path) const {
  std::vector<std::string> items;
  for (std::size_t i = 0;; ++i) {
    auto item = find(path + "/" + std::to_string(i));
    if (!item) return items;
    items.push_back(*std::move(item));
  }
}

std::vector<std::string> ConfigurationText::names_below(const std::string& path) const {
  std::vector<std::string> names;
  const auto prefix = path + "/";
  for (auto entry = values_.lower_bound(prefix); entry != values_.end(); ++entry) {
    if (!entry->first.starts_with(prefix)) break;
    auto name = entry->first.substr(prefix.size());
    name.resize(std::min(name.size(), name.find('/')));
    if (names.empty() || names.back() != name) names.push_back(std::move(name));
  }
  return names;
}

void ConfigurationText::merge(const ConfigurationText& other) {
  for (const auto& [path, value] : other.values_) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos || !is_index(std::string_view(path).substr(slash + 1))) continue;
    const auto list = path.substr(0, slash);
    for (const auto& name : names_below(list))
      if (is_index(name)) values_.erase(list + "/" + name);
  }
  for (const auto& [path, value] : other.values_)
    values_.insert_or_assign(path, value);
}

}  // namespace nvccd
