#include "daemon/bus/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "daemon/bus/text.h"

namespace nvccd::dbus {
namespace {

// Every option is a boolean.
class OptionReader {
 public:
  CallResult read_entry(sd_bus_message* call) {
    const char* key = nullptr;
    if (sd_bus_message_read(call, "s", &key) < 0)
      return std::unexpected(invalid_arguments("options: not readable"));
    const auto option = std::ranges::find(options_, std::string_view(key), &Option::key);
    if (option == std::end(options_))
      return std::unexpected(invalid_arguments(fmt::format(
          "unknown option \"{}\"; there are \"persist\", \"wait\" and \"dry-run\"", excerpt(key))));
    if (option->value)
      return std::unexpected(invalid_arguments(fmt::format("option \"{}\" is given twice", key)));
    int value = 0;
    if (sd_bus_message_read(call, "v", "b", &value) < 0)
      return std::unexpected(invalid_arguments(fmt::format("option \"{}\" must be a boolean", key)));
    option->value = value != 0;
    return {};
  }

  ModeOptions options() const {
    const ModeOptions defaults;
    return {.persist = options_[0].value.value_or(defaults.persist),
            .wait = options_[1].value,
            .dry_run = options_[2].value.value_or(defaults.dry_run)};
  }

 private:
  struct Option {
    std::string_view key;
    std::optional<bool> value;
  };
  Option options_[3] = {{"persist", {}}, {"wait", {}}, {"dry-run", {}}};
};

}  // namespace

std::expected<ModeOptions, CallError> read_mode_options(sd_bus_message* call) {
  OptionReader reader;
  int r = sd_bus_message_enter_container(call, 'a', "{sv}");
  while (r >= 0 && (r = sd_bus_message_enter_container(call, 'e', "sv")) > 0) {
    if (auto entry = reader.read_entry(call); !entry) return std::unexpected(entry.error());
    r = sd_bus_message_exit_container(call);
  }
  if (r >= 0) r = sd_bus_message_exit_container(call);
  if (r < 0) return std::unexpected(invalid_arguments("options: not readable"));
  return reader.options();
}

}  // namespace nvccd::dbus
