// The running daemon: everything made, connected, and let go of in order.
#pragma once

#include "common/base/event_scheduler.h"
#include "daemon/bus/bus_service.h"
#include "daemon/engine/node_manager.h"
#include "daemon/options.h"
#include "daemon/publish/event_log.h"
#include "daemon/publish/published_files.h"
#include "daemon/publish/service_status.h"
#include "daemon/witnesses.h"

namespace nvccd {

class Daemon {
 public:
  static Result<std::unique_ptr<Daemon>> create(Options options, LoadedSettings settings, LogWriter log);

  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  ~Daemon();

  // Until SIGTERM, SIGINT, or an error nobody can mend.
  Result<> run();

 private:
  explicit Daemon(Options options) : options_(std::move(options)) {}
  Result<> set_up(LoadedSettings settings, LogWriter log);
  void settled();
  Result<LoadedSettings> load_settings();
  void check(std::function<void(Findings)> done);
  void on_reload_signal();

  Options options_;
  EventPtr event_;
  std::unique_ptr<EventScheduler> scheduler_;
  std::unique_ptr<NodeManager> manager_;
  std::unique_ptr<EventLog> log_;
  std::unique_ptr<ServiceStatus> status_;
  std::unique_ptr<TransitionStatistics> statistics_;
  std::unique_ptr<PublishedFiles> published_files_;
  std::unique_ptr<BusService> bus_;
  std::unique_ptr<Witnesses> witnesses_;
  EventSourcePtr reload_signal_;
  bool settled_ = false;  // systemd was told that the start is over
};

}  // namespace nvccd
