#include "common/formats/resource_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace nvccd {
namespace {

constexpr std::size_t max_name = 63;  // Kubernetes: the part after the slash, and each label of the domain
constexpr std::size_t max_domain = 253;

// Character classes of ASCII, whatever the locale says.
bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || is_digit(c);
}
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_name_end(char c) {
  return is_letter(c) || is_digit(c);
}
bool is_name_character(char c) {
  return is_name_end(c) || c == '_' || c == '-';
}
char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// As NVIDIA's device plugin does it: upper case, '/', '.' and runs of white space become '_', and what is
// neither a letter, a digit, '_' nor '-' is dropped.
std::string sanitized(std::string_view model) {
  std::string name;
  bool in_space = false;
  for (const char c : model) {
    const bool starts_space = is_space(c) && !in_space;
    in_space = is_space(c);
    if (c == '/' || c == '.' || starts_space)
      name += '_';
    else if (is_name_character(c))
      name += to_upper(c);
  }
  return name;
}

// Kubernetes and CDI accept names of at most 63 characters that begin and end with a letter or a digit.
std::string valid_name(std::string name) {
  name.erase(name.begin(), std::ranges::find_if(name, is_name_end));
  name.resize(std::min(name.size(), max_name));
  while (!name.empty() && !is_name_end(name.back()))
    name.pop_back();
  return name;
}

bool is_domain_label(std::string_view label) {
  return !label.empty() && label.size() <= max_name && is_lower_or_digit(label.front()) &&
         is_lower_or_digit(label.back()) &&
         std::ranges::all_of(label, [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool is_domain(std::string_view domain) {
  if (domain.size() > max_domain) return false;
  for (std::size_t dot = domain.find('.'); dot != std::string_view::npos; dot = domain.find('.')) {
    if (!is_domain_label(domain.substr(0, dot))) return false;
    domain.remove_prefix(dot + 1);
  }
  return is_domain_label(domain);
}

}  // namespace

std::string model_resource(const DeviceSnapshot& device) {
  // "Device 2330" is how a device is shown that the database does not know.
  const std::string hex_id = fmt::format("{:04x}", device.device_id);
  const bool known = device.name != "Device " + hex_id;
  std::string name = known ? valid_name(sanitized(device.name)) : "";
  if (name.empty()) name = hex_id;
  return std::string(resource_domain) + name;
}

std::string resource(const DeviceSnapshot& device, const ResourceAliases& aliases) {
  const std::string& alias = device.kind == DeviceKind::gpu ? aliases.pgpu_alias : aliases.nvswitch_alias;
  return alias.empty() ? model_resource(device) : std::string(resource_domain) + alias;
}

bool is_resource_alias(std::string_view text) {
  return !text.empty() && text.size() <= max_name && is_letter(text.front()) && is_name_end(text.back()) &&
         std::ranges::all_of(text, is_name_character);
}

std::optional<std::string> problem_of_resource_name(std::string_view resource) {
  const std::size_t slash = resource.find('/');
  if (slash == std::string_view::npos || !is_domain(resource.substr(0, slash)))
    return "it does not begin with a domain such as nvidia.com/";
  const auto domain = resource.substr(0, slash);
  if (domain.starts_with("requests.")) return "Kubernetes reserves names that begin with requests.";
  if (domain == "kubernetes.io" || domain.ends_with(".kubernetes.io"))
    return "Kubernetes keeps kubernetes.io to itself";
  if (!is_resource_alias(resource.substr(slash + 1)))
    return fmt::format(
        "after the / there must be a letter, then letters, digits, - and _, {} at most, and no - or _ at the "
        "end",
        max_name);
  return std::nullopt;
}

}  // namespace nvccd
