#include "kubernetes/device-plugin/options.h"

#include "common/base/command_line.h"

namespace nvccd::kubernetes {

std::variant<Options, int> parse_options(int argc, char** argv) {
  Options options;
  CLI::App app{"Offers the NVIDIA GPUs and NVSwitches of this host, as nvccd prepares them, to its kubelet.",
               "nvccd-device-plugin"};
  app.set_version_flag("--version", std::string("nvccd-device-plugin " NVCCD_VERSION));
  add_path_option(app, "--state-file", options.state_file, "What nvccd says of the devices", "FILE");
  add_path_option(app, "--withdraw-file", options.withdraw_file, "While this exists, no device is handed out",
                  "FILE");
  add_path_option(app, "--kubelet-dir", options.kubelet_dir,
                  "Where the kubelet and its device plugins have sockets", "DIR");
  add_log_level_option(app, options.log_level);
  if (const auto status = parse_command_line(app, argc, argv)) return *status;
  return options;
}

}  // namespace nvccd::kubernetes
