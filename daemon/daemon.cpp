#include "daemon/daemon.h"
#include "common/host/host_confidential.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <csignal>

#include "common/base/service_loop.h"
#include "daemon/pci/mapped_window.h"
#include "daemon/pci/sysfs_host_devices.h"
#include "preflight/preflight.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;

// How long the end waits for devices that are being reset: a change that has begun had better be finished.
constexpr Duration patience_at_end = 20s;

PublishSettings publish_settings(const KubernetesSettings& settings) {
  return {.aliases = {.pgpu_alias = settings.pgpu_alias, .nvswitch_alias = settings.nvswitch_alias},
          .node_features = settings.node_features,
          .cdi = settings.cdi};
}

void notify_systemd(const std::string& text) {
  (void)sd_notify(0, text.c_str());
}

// Tells systemd that a reload has begun, with the time it asks for.
void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  notify_systemd("RELOADING=1\nMONOTONIC_USEC=" +
                 std::to_string(now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::create(Options options, LoadedSettings settings, LogWriter log) {
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(options)));
  if (auto ready = daemon->set_up(std::move(settings), std::move(log)); !ready)
    return std::unexpected(ready.error());
  return daemon;
}

Daemon::~Daemon() {
  notify_systemd("STOPPING=1\nSTATUS=Finishing what has begun");
  // First what others read, so that nobody sees a state that nobody keeps up any more.
  published_files_.reset();
  witnesses_.reset();
  bus_.reset();
  if (scheduler_ && !scheduler_->wait_for_workers(patience_at_end))
    spdlog::warn("a device did not finish what was begun; the next start looks at it anew");
}

Result<> Daemon::set_up(LoadedSettings settings, LogWriter log) {
  for (const auto& warning : settings.warnings)
    spdlog::warn("{}", warning);

  auto loop = new_service_loop();
  if (!loop) return std::unexpected(loop.error());
  event_ = *std::move(loop);
  sd_event* const event = event_.get();
  if (const int r = sd_event_add_signal(event, out(reload_signal_), SIGHUP | SD_EVENT_SIGNAL_PROCMASK,
                                        callback<&Daemon::on_reload_signal>, this);
      r < 0)
    return std::unexpected(system_error("cannot handle signals", -r));
  install_bus_error_handler();

  // Before anything is touched that another nvccd may keep up, such as the files.
  auto connection = BusService::take_name(options_.bus);
  if (!connection) return std::unexpected(connection.error());

  auto scheduler = EventScheduler::create(event);
  if (!scheduler) return std::unexpected(scheduler.error());
  scheduler_ = *std::move(scheduler);

  const NodeModeStore store(options_.state_dir, options_.runtime_dir);
  auto node_modes = store.load();
  if (!node_modes) return std::unexpected(node_modes.error());
  const HostPaths paths;
  const auto clock = std::make_shared<SteadyClock>();
  const auto own = std::make_shared<OwnOpenings>();
  const auto host = std::make_shared<SysfsHostDevices>(paths, clock, own);
  const PublishSettings publishing = publish_settings(settings.settings.kubernetes);
  manager_ = std::make_unique<NodeManager>(
      NodeManager::Parts{.scheduler = scheduler_.get(),
                         .host = {.devices = host, .clock = clock},
                         .store = store,
                         .host_confidential = detect_host_confidential(paths.sys),
                         .load_settings = [this] { return load_settings(); },
                         .warn = [](const std::string& text) { spdlog::warn("{}", text); }},
      std::move(settings.settings), *node_modes);
  log_ = std::make_unique<EventLog>(*manager_, std::move(log));
  auto status = ServiceStatus::create(event, *manager_, notify_systemd);
  if (!status) return std::unexpected(status.error());
  status_ = *std::move(status);

  statistics_ = std::make_unique<TransitionStatistics>(*manager_, clock);
  auto files =
      PublishedFiles::create(event, *manager_, *statistics_, {.runtime = options_.runtime_dir}, publishing);
  if (!files) return std::unexpected(files.error());
  published_files_ = *std::move(files);
  auto bus = BusService::create(event, *std::move(connection), *manager_,
                                [this](std::function<void(Findings)> done) { check(std::move(done)); });
  if (!bus) return std::unexpected(bus.error());
  bus_ = *std::move(bus);

  auto witnesses = Witnesses::create(event, paths, own, *manager_);
  if (!witnesses) return std::unexpected(witnesses.error());
  witnesses_ = *std::move(witnesses);
  return {};
}

Result<> Daemon::run() {
  // Until every device was looked at and changed; the limits of both follow the settings.
  const auto patience = 4 * manager_->settings().transition.boot_timeout + 5min;
  notify_systemd(fmt::format("EXTEND_TIMEOUT_USEC={}", std::chrono::microseconds(patience).count()));
  manager_->start([this] { settled(); });
  const int r = sd_event_loop(event_.get());
  if (r < 0) return std::unexpected(system_error("the event loop failed", -r));
  // sd-bus ends the loop so, and sd-event knows no other reason.
  if (r > 0)
    return std::unexpected(
        Error{.kind = ErrorKind::system, .cause = "the message bus has closed the connection"});
  return {};
}

// The devices are as they can be: whoever is ordered after this service may count on them.
void Daemon::settled() {
  published_files_->write();
  status_->tell();
  settled_ = true;
  notify_systemd("READY=1");
}

Result<LoadedSettings> Daemon::load_settings() {
  auto loaded = options_.load_settings();
  status_->set_broken_settings(loaded ? "" : loaded.error().message());
  if (loaded) published_files_->set_settings(publish_settings(loaded->settings.kubernetes));
  return loaded;
}

void Daemon::check(std::function<void(Findings)> done) {
  start_with_result(
      *scheduler_,
      [options = options_,
       daemon = preflight::DaemonState{manager_->node(), manager_->devices()}]() -> Result<Findings> {
        return preflight::run({.settings = options.load_settings(),
                               .daemon = daemon,
                               .state_file = (options.runtime_dir / paths::state_name).string()});
      },
      [done = std::move(done)](Result<Findings> findings) {
        // Not an empty list, which says that there is nothing to complain of.
        done(findings ? *std::move(findings) : Findings{preflight::not_made(findings.error())});
      });
}

void Daemon::on_reload_signal() {
  // During the start the end of a reload would be taken for that of the start.
  if (settled_) notify_reloading();
  if (auto reloaded = manager_->reload(); !reloaded)
    spdlog::error("the old settings stay in force: {}", reloaded.error().message());
  if (settled_) notify_systemd("READY=1");
}

}  // namespace nvccd
