// Configuration files of other programs, as far as they are needed: from the path of each value to the value
// as text.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/error.h"

namespace nvccd {

// "featureGates/KubeletPodResourcesGet" -> "true"; items of a list are called 0, 1, and so on.
class ConfigurationText {
 public:
  std::optional<std::string> find(const std::string& path) const;
  // Whether there is a value at the path or below it.
  bool has(const std::string& path) const;
  // The value whose path ends so, wherever it is; if there are several, the last one.
  std::optional<std::string> find_last(std::string_view end_of_path) const;
  std::vector<std::string> find_list(const std::string& path) const;
  // Names of what is directly below the path.
  std::vector<std::string> names_below(const std::string& path) const;

  void set(std::string path, std::string value) {
    values_.insert_or_assign(std::move(path), std::move(value));
  }
  // The other file's values win; a list replaces a list as a whole.
  void merge(const ConfigurationText& other);

  const std::map<std::string, std::string>& values() const { return values_; }

 private:
  std::map<std::string, std::string> values_;
};

// Errors: text that is not of that language. Neither throws.

// If a key is twice in a map, the last one wins. Null, and maps and lists with nothing in them, are "";
// aliases are what they stand for. What is too deep or too much for a configuration is left out. The cause of
// an error quotes nothing of the text, as there may be secrets in it.
Result<ConfigurationText> parse_yaml(const std::string& text);
// Empty tables and arrays have no entry.
Result<ConfigurationText> parse_toml(std::string_view text);

}  // namespace nvccd
