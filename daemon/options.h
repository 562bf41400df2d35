// The daemon's command line.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "common/config/settings_file.h"
#include "common/formats/paths.h"

namespace nvccd {

struct Options {
  std::optional<std::filesystem::path> config;  // only this file, no drop-ins
  std::string bus;                              // "": the system bus
  std::filesystem::path state_dir = paths::state_dir;
  std::filesystem::path runtime_dir = paths::runtime_dir;
  std::string log_level = "info";
  bool check_config = false;
  bool withdraw = false;                  // remove what a daemon that ended may have left
  std::optional<PciAddress> udev_driver;  // for the udev rule: which driver may have this device
  bool prepare = false;                   // for the unit, see preparation.h

  Result<LoadedSettings> load_settings() const;
};

// The options, or the exit status when there is nothing more to do (--help, --version, wrong usage).
std::variant<Options, int> parse_options(int argc, char** argv);

}  // namespace nvccd
