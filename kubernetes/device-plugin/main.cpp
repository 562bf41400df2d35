#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

#include "kubernetes/device-plugin/plugin.h"

namespace {

void set_up_log(const std::string& level) {
  // systemd sets JOURNAL_STREAM for a service whose output it takes.
  const bool in_service = std::getenv("JOURNAL_STREAM") != nullptr;
  auto log = in_service ? spdlog::systemd_logger_mt("nvccd-device-plugin")
                        : spdlog::stderr_color_mt("nvccd-device-plugin");
  if (!in_service) log->set_pattern("%^%l%$: %v");
  log->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(std::move(log));
}

}  // namespace

int main(int argc, char** argv) {
  using namespace nvccd::kubernetes;
  const auto parsed = parse_options(argc, argv);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const auto& options = std::get<Options>(parsed);
  set_up_log(options.log_level);

  const auto plugin = Plugin::create(options);
  if (!plugin) {
    spdlog::error("{}", plugin.error().message());
    return EXIT_FAILURE;
  }
  if (const auto ended = (*plugin)->run(); !ended) {
    spdlog::error("{}", ended.error().message());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
