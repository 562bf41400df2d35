// Reads the settings from TOML. No global state; touches nothing but the files it is given.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/config/settings.h"
#include "common/model/error.h"

namespace nvccd {

inline constexpr auto default_settings_file = "/etc/nvccd/nvccd.toml";
inline constexpr auto default_settings_directory = "/etc/nvccd/nvccd.toml.d";

struct LoadedSettings {
  Settings settings;
  std::vector<std::string> warnings;  // unknown keys: "file:line:column: ..."
};

// A wrong type or value, or text that is no TOML, is ErrorKind::invalid_config with file:line:column in the
// cause. Keys of `text` replace those already in `base`; [[device]] sections are put before those in `base`.
Result<LoadedSettings> parse_settings(std::string_view text, const std::string& file_name,
                                      LoadedSettings base = {});

// `main_file`, then the *.toml files of `drop_in_directory` in name order; either may be missing. A file that
// is there and cannot be read is an error, as it may exclude devices.
Result<LoadedSettings> load_settings(const std::filesystem::path& main_file,
                                     const std::filesystem::path& drop_in_directory);

// Only this file, which must exist.
Result<LoadedSettings> load_single_file(const std::filesystem::path& file);

}  // namespace nvccd
