#include "kubernetes/device-plugin/options.h"

#include <CLI/CLI.hpp>

namespace nvccd::kubernetes {
namespace {

void add_path(CLI::App& app, const std::string& name, std::filesystem::path& path, const std::string& meaning,
              const std::string& type) {
  app.add_option_function<std::string>(
         name, [&path](const std::string& text) { path = std::filesystem::absolute(text); }, meaning)
      ->type_name(type)
      ->default_str(path.string());
}

}  // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
  Options options;
  CLI::App app{"Offers the NVIDIA GPUs and NVSwitches of this host, as nvccd prepares them, to its kubelet.",
               "nvccd-device-plugin"};
  app.set_version_flag("--version", std::string("nvccd-device-plugin " NVCCD_VERSION));
  add_path(app, "--state-file", options.state_file, "What nvccd says of the devices", "FILE");
  add_path(app, "--withdraw-file", options.withdraw_file, "While this exists, no device is handed out",
           "FILE");
  add_path(app, "--kubelet-dir", options.kubelet_dir, "Where the kubelet and its device plugins have sockets",
           "DIR");
  app.add_option("--log-level", options.log_level, "debug, info, warning or error")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return options;
}

}  // namespace nvccd::kubernetes
