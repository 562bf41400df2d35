// The device plugin: from the state file to one endpoint a resource.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/base/event_scheduler.h"
#include "common/base/fd.h"
#include "kubernetes/device-plugin/endpoint.h"
#include "kubernetes/device-plugin/options.h"
#include "kubernetes/device-plugin/path_watch.h"

namespace nvccd::kubernetes {

class Plugin {
 public:
  static Result<std::unique_ptr<Plugin>> create(const Options& options);
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  ~Plugin();

  // Until SIGTERM or SIGINT.
  Result<> run();

 private:
  explicit Plugin(Options options) : options_(std::move(options)) {}
  Result<> set_up();
  Result<> own_directory();
  void kubelet_appeared();
  void update();
  void serve(const std::string& resource, const Units& units);

  Options options_;
  UniqueFd directory_;  // the kubelet's, locked: two plugins would take each other's sockets away
  EventPtr event_;
  std::unique_ptr<EventScheduler> scheduler_;
  EndpointContext context_;
  Advertisement advertised_;  // with the units that were last known, while nvccd does not run
  std::map<std::string, std::shared_ptr<Endpoint>> endpoints_;
  std::unique_ptr<PathWatch> state_watch_;
  std::unique_ptr<PathWatch> withdraw_watch_;
  std::unique_ptr<PathWatch> kubelet_watch_;
};

}  // namespace nvccd::kubernetes
