#include "daemon/publish/resource_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace nvccd {
namespace {

constexpr std::string_view resource_prefix = "nvidia.com/";
constexpr std::size_t max_resource_name = 63;  // Kubernetes: the part after the slash

// Character classes of ASCII, whatever the locale says.
bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_name_end(char c) {
  return is_letter(c) || is_digit(c);
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
    else if (is_letter(c) || is_digit(c) || c == '_' || c == '-')
      name += to_upper(c);
  }
  return name;
}

// Kubernetes and CDI accept names of at most 63 characters that begin and end with a letter or a digit.
std::string valid_name(std::string name) {
  name.erase(name.begin(), std::ranges::find_if(name, is_name_end));
  name.resize(std::min(name.size(), max_resource_name));
  while (!name.empty() && !is_name_end(name.back()))
    name.pop_back();
  return name;
}

}  // namespace

std::string model_resource(const DeviceSnapshot& device) {
  // "Device 2330" is how a device is shown that the database does not know.
  const std::string hex_id = fmt::format("{:04x}", device.device_id);
  const bool known = device.name != "Device " + hex_id;
  std::string name = known ? valid_name(sanitized(device.name)) : "";
  if (name.empty()) name = hex_id;
  return std::string(resource_prefix) + name;
}

std::string resource(const DeviceSnapshot& device, const ResourceAliases& aliases) {
  const std::string& alias = device.kind == DeviceKind::gpu ? aliases.pgpu_alias : aliases.nvswitch_alias;
  return alias.empty() ? model_resource(device) : std::string(resource_prefix) + alias;
}

}  // namespace nvccd
