#include "common/bus/property_map.h"

#include <string_view>

namespace nvccd::client {
namespace {

template <typename Wire, typename Kept>
int read_basic(sd_bus_message* message, const char* type, PropertyValue& value) {
  Wire wire{};
  const int r = sd_bus_message_read(message, type, &wire);
  if (r > 0) value = static_cast<Kept>(wire);
  return r;
}

int read_list(sd_bus_message* message, const char* type, PropertyValue& value) {
  std::vector<std::string> list;
  int r = sd_bus_message_enter_container(message, 'a', type);
  const char* text = nullptr;
  while (r >= 0 && (r = sd_bus_message_read(message, type, &text)) > 0)
    list.emplace_back(text);
  if (r < 0) return r;
  value = std::move(list);
  return sd_bus_message_exit_container(message);
}

// Reads the content of a variant; 0 for a type that is not known.
int read_content(sd_bus_message* message, std::string_view type, PropertyValue& value) {
  if (type == "b") return read_basic<int, bool>(message, "b", value);
  if (type == "i") return read_basic<std::int32_t, std::int64_t>(message, "i", value);
  if (type == "q") return read_basic<std::uint16_t, std::uint64_t>(message, "q", value);
  if (type == "u") return read_basic<std::uint32_t, std::uint64_t>(message, "u", value);
  if (type == "t") return read_basic<std::uint64_t, std::uint64_t>(message, "t", value);
  if (type == "d") return read_basic<double, double>(message, "d", value);
  if (type == "s") return read_basic<const char*, std::string>(message, "s", value);
  if (type == "o") return read_basic<const char*, std::string>(message, "o", value);
  if (type == "as") return read_list(message, "s", value);
  if (type == "ao") return read_list(message, "o", value);
  return 0;
}

int read_entry(sd_bus_message* message, PropertyMap& properties) {
  const char* name = nullptr;
  int r = sd_bus_message_read(message, "s", &name);
  if (r < 0) return r;
  const char* type = nullptr;
  r = sd_bus_message_peek_type(message, nullptr, &type);
  if (r < 0) return r;
  const std::string content = type;
  PropertyValue value;
  r = sd_bus_message_enter_container(message, 'v', content.c_str());
  if (r >= 0) r = read_content(message, content, value);
  if (r < 0) return r;
  if (r > 0)
    properties.insert_or_assign(name, std::move(value));
  else
    r = sd_bus_message_skip(message, content.c_str());
  return r < 0 ? r : sd_bus_message_exit_container(message);
}

}  // namespace

int read_properties(sd_bus_message* message, PropertyMap& properties) {
  int r = sd_bus_message_enter_container(message, 'a', "{sv}");
  while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
    r = read_entry(message, properties);
    if (r >= 0) r = sd_bus_message_exit_container(message);
  }
  return r < 0 ? r : sd_bus_message_exit_container(message);
}

}  // namespace nvccd::client
