#include "kubernetes/device-plugin/resource_name.h"

#include <fmt/format.h>

#include <algorithm>

namespace nvccd::kubernetes {
namespace {

constexpr std::size_t max_name = 63;
constexpr std::size_t max_domain = 253;
constexpr std::string_view usual_domain = "nvidia.com/";

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_alphanumeric(char c) {
  return is_letter(c) || (c >= '0' && c <= '9');
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

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= max_name && is_letter(name.front()) &&
         is_alphanumeric(name.back()) &&
         std::ranges::all_of(name, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
}

}  // namespace

std::optional<std::string> problem_of_resource_name(std::string_view resource) {
  const std::size_t slash = resource.find('/');
  if (slash == std::string_view::npos || !is_domain(resource.substr(0, slash)))
    return "it does not begin with a domain such as nvidia.com/";
  const auto domain = resource.substr(0, slash);
  if (domain.starts_with("requests.")) return "Kubernetes reserves names that begin with requests.";
  if (domain == "kubernetes.io" || domain.ends_with(".kubernetes.io"))
    return "Kubernetes keeps kubernetes.io to itself";
  if (!is_name(resource.substr(slash + 1)))
    return fmt::format(
        "after the / there must be a letter, then letters, digits, - and _, {} at most, and no - or _ at the "
        "end",
        max_name);
  return std::nullopt;
}

std::string socket_name(std::string_view resource) {
  // A domain has no _ in it, so this is not the socket of another name.
  std::string name(resource.starts_with(usual_domain) ? resource.substr(usual_domain.size()) : resource);
  std::ranges::replace(name, '/', '_');
  return fmt::format("{}{}.sock", socket_prefix, name);
}

}  // namespace nvccd::kubernetes
