#include "options.h"

#include <CLI/CLI.hpp>

namespace nvccd {

Result<LoadedSettings> Options::load_settings() const {
  return config ? load_single_file(*config)
                : nvccd::load_settings(default_settings_file, default_settings_directory);
}

std::variant<Options, int> parse_options(int argc, char** argv) {
  Options options;
  std::string config;
  std::string state_dir = options.state_dir.string();
  std::string runtime_dir = options.runtime_dir.string();

  CLI::App app{
      "Keeps this host's NVIDIA GPUs and NVSwitches bound to VFIO and in the requested Confidential "
      "Computing mode.",
      "nvccd"};
  app.set_version_flag("--version", std::string("nvccd " NVCCD_VERSION));
  app.add_option("--config", config, "Read only this settings file, and no drop-ins")->type_name("FILE");
  app.add_option("--bus", options.bus, "D-Bus address to serve on (default: the system bus)")
      ->type_name("ADDRESS");
  app.add_option("--state-dir", state_dir, "Where the node mode is kept")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--runtime-dir", runtime_dir, "Where the state file is written")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "debug, info, warning or error")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  app.add_flag("--check-config", options.check_config,
               "Read the settings, say what is wrong with them, and exit");
  app.add_flag("--withdraw", options.withdraw,
               "Remove the files that a daemon which was killed has left, and exit");
  app.add_flag("--prepare", options.prepare, "Load the drivers of the devices, for the unit, and exit");
  std::string udev_driver;
  app.add_option("--udev-driver", udev_driver, "Print the driver override of a device, for the udev rule")
      ->type_name("ADDRESS")
      ->check([](const std::string& text) {
        return PciAddress::parse(text) ? std::string() : text + " is no PCI address such as 0000:65:00.0";
      });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (!config.empty()) options.config = config;
  options.udev_driver = PciAddress::parse(udev_driver);
  options.state_dir = state_dir;
  options.runtime_dir = runtime_dir;
  return options;
}

}  // namespace nvccd
