#include <spdlog/spdlog.h>

#include <cstdlib>

#include "common/base/log.h"
#include "kubernetes/device-plugin/plugin.h"

int main(int argc, char** argv) {
  using namespace nvccd::kubernetes;
  const auto parsed = parse_options(argc, argv);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const auto& options = std::get<Options>(parsed);
  nvccd::set_up_log("nvccd-device-plugin", options.log_level, nvccd::prints_to_journal());

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
