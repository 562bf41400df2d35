#include "daemon/options.h"

#include "common/base/command_line.h"

namespace nvccd {

Result<LoadedSettings> Options::load_settings() const {
  return config ? load_single_file(*config)
                : nvccd::load_settings(default_settings_file, default_settings_directory);
}

std::variant<Options, int> parse_options(int argc, char** argv) {
  Options options;
  std::string config;

  CLI::App app{
      "Keeps this host's NVIDIA GPUs and NVSwitches bound to VFIO and in the requested Confidential "
      "Computing mode.",
      "nvccd"};
  app.set_version_flag("--version", std::string("nvccd " NVCCD_VERSION));
  app.add_option("--config", config, "Read only this settings file, and no drop-ins")->type_name("FILE");
  app.add_option("--bus", options.bus, "D-Bus address to serve on (default: the system bus)")
      ->type_name("ADDRESS");
  add_path_option(app, "--state-dir", options.state_dir, "Where the node mode is kept", "DIR");
  add_path_option(app, "--runtime-dir", options.runtime_dir, "Where the state file is written", "DIR");
  add_log_level_option(app, options.log_level);
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
  if (const auto status = parse_command_line(app, argc, argv)) return *status;
  if (!config.empty()) options.config = config;
  options.udev_driver = PciAddress::parse(udev_driver);
  return options;
}

}  // namespace nvccd
