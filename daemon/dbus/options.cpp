#include "dbus/options.h"

#include <fmt/format.h>

#include <string_view>

namespace nvccd::dbus {
namespace {

// Every option is a boolean.
void set_option(ModeOptions& options, std::string_view key, bool value) {
  if (key == "persist") options.persist = value;
  if (key == "wait") options.wait = value;
  if (key == "dry-run") options.dry_run = value;
}

bool is_option(std::string_view key) {
  return key == "persist" || key == "wait" || key == "dry-run";
}

CallResult read_entry(sd_bus_message* call, ModeOptions& options) {
  const char* key = nullptr;
  if (sd_bus_message_read(call, "s", &key) < 0)
    return std::unexpected(invalid_arguments("options: not readable"));
  if (!is_option(key))
    return std::unexpected(invalid_arguments(
        fmt::format("unknown option \"{}\"; there are \"persist\", \"wait\" and \"dry-run\"", key)));
  int value = 0;
  if (sd_bus_message_read(call, "v", "b", &value) < 0)
    return std::unexpected(invalid_arguments(fmt::format("option \"{}\" must be a boolean", key)));
  set_option(options, key, value != 0);
  return {};
}

}  // namespace

std::expected<ModeOptions, CallError> read_mode_options(sd_bus_message* call) {
  ModeOptions options;
  int r = sd_bus_message_enter_container(call, 'a', "{sv}");
  while (r >= 0 && (r = sd_bus_message_enter_container(call, 'e', "sv")) > 0) {
    if (auto entry = read_entry(call, options); !entry) return std::unexpected(entry.error());
    r = sd_bus_message_exit_container(call);
  }
  if (r >= 0) r = sd_bus_message_exit_container(call);
  if (r < 0) return std::unexpected(invalid_arguments("options: not readable"));
  return options;
}

}  // namespace nvccd::dbus
