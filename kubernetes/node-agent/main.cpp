#include <spdlog/spdlog.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>

#include "common/base/event_scheduler.h"
#include "common/base/log.h"
#include "common/base/service_loop.h"
#include "kubernetes/node-agent/agent.h"
#include "kubernetes/node-agent/options.h"

namespace nvccd::agent {
namespace {

constexpr auto service_account = "/var/run/secrets/kubernetes.io/serviceaccount";

// A change that is under way when the loop ends is left as it is: the next start goes on with it.
Result<> run(const Options& options, ClusterConfig config) {
  auto event = new_service_loop();
  if (!event) return std::unexpected(event.error());
  auto scheduler = EventScheduler::create(event->get());
  if (!scheduler) return std::unexpected(scheduler.error());
  auto api = ApiClient::create(event->get(), std::move(config));
  if (!api) return std::unexpected(api.error());
  SteadyClock clock;
  LocalState local(options.runtime_dir, options.state_dir);
  if (auto loaded = local.load(); !loaded) spdlog::warn("{}; ignoring it", loaded.error().message());
  Agent agent(
      event->get(), **scheduler, clock, **api, local,
      {.node = options.node_name, .operator_namespace = options.operator_namespace, .bus = options.bus});
  spdlog::info("following node {}", options.node_name);
  (void)sd_notify(0, "READY=1");
  if (const int r = sd_event_loop(event->get()); r < 0)
    return std::unexpected(system_error("the event loop failed", -r));
  (void)sd_notify(0, "STOPPING=1");
  return {};
}

}  // namespace
}  // namespace nvccd::agent

int main(int argc, char** argv) {
  using namespace nvccd::agent;
  auto parsed = parse_options(argc, argv);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const auto& options = std::get<Options>(parsed);
  nvccd::set_up_log("nvccd-node-agent", options.log_level, nvccd::prints_to_journal());

  auto config = options.kubeconfig.empty() ? in_cluster_config(service_account, ::getenv)
                                           : read_kubeconfig(options.kubeconfig);
  if (!config) {
    spdlog::error("{}", config.error().message());
    return EX_CONFIG;
  }
  if (const auto ended = run(options, *std::move(config)); !ended) {
    spdlog::error("{}", ended.error().message());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
