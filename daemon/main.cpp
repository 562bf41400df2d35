#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdlib>

#include "common/base/log.h"
#include "daemon/daemon.h"
#include "daemon/preparation.h"
#include "daemon/publish/journal.h"

namespace {

// For the udev rule. Whatever keeps the driver from being loaded, the override keeps other drivers away.
int print_udev_driver(const nvccd::PciAddress& address, const nvccd::Settings& settings) {
  if (nvccd::service_is_masked("/")) return EXIT_SUCCESS;
  const auto driver = nvccd::choose_driver(nvccd::HostPaths{}, address, settings);
  if (!driver) spdlog::error("{}", driver.error().message());
  if (!driver || *driver) fmt::print("NVCCD_DRIVER={}\n", driver ? **driver : "vfio-pci");
  return EXIT_SUCCESS;
}

int prepare(const nvccd::Settings& settings) {
  const auto failures = nvccd::prepare_devices(nvccd::HostPaths{}, settings);
  for (const auto& failure : failures)
    spdlog::error("{}", failure.message());
  return failures.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  auto parsed = nvccd::parse_options(argc, argv);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  auto& options = std::get<nvccd::Options>(parsed);
  // udev keeps what its programs print to itself.
  const bool to_journal = nvccd::prints_to_journal() || (options.udev_driver && ::isatty(STDERR_FILENO) == 0);
  nvccd::set_up_log("nvccd", options.log_level, to_journal);

  if (options.withdraw) {
    const auto withdrawn = nvccd::withdraw_published_files({.runtime = options.runtime_dir});
    if (!withdrawn) spdlog::error("{}", withdrawn.error().message());
    return withdrawn ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  auto settings = options.load_settings();
  if (options.check_config) {
    if (settings)
      for (const auto& warning : settings->warnings)
        fmt::print(stderr, "{}\n", warning);
    else
      fmt::print(stderr, "{}\n", settings.error().message());
    return settings ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  if (!settings) {
    spdlog::error("{}", settings.error().message());
    return EX_CONFIG;
  }
  if (options.udev_driver) return print_udev_driver(*options.udev_driver, settings->settings);
  if (options.prepare) return prepare(settings->settings);

  auto daemon = nvccd::Daemon::create(std::move(options), *std::move(settings),
                                      to_journal ? nvccd::write_to_journal : nvccd::write_to_terminal);
  if (!daemon) {
    spdlog::error("{}", daemon.error().message());
    return EXIT_FAILURE;
  }
  if (const auto ended = (*daemon)->run(); !ended) {
    spdlog::error("{}", ended.error().message());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
