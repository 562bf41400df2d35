// One resource towards the kubelet: served, registered, and both again after whatever the kubelet does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "common/base/retry.h"
#include "common/base/scheduler.h"
#include "kubernetes/device-plugin/path_watch.h"
#include "kubernetes/device-plugin/registration.h"
#include "kubernetes/device-plugin/resource_server.h"

namespace nvccd::kubernetes {

// What all endpoints share.
struct EndpointContext {
  sd_event* event = nullptr;
  Scheduler* scheduler = nullptr;
  std::filesystem::path kubelet_dir;
  ReadFiles read;
};

// All functions are for the event loop's thread.
class Endpoint : public std::enable_shared_from_this<Endpoint> {
 public:
  // Serves and registers as soon as there is a kubelet. The context outlives it.
  static Result<std::shared_ptr<Endpoint>> create(const EndpointContext& context, std::string resource,
                                                  Units units);

  ~Endpoint();

  void publish(const Units& units);
  // A kubelet has started: it knows nothing of this resource.
  void kubelet_appeared();

 private:
  Endpoint(const EndpointContext& context, std::string resource, Units units);
  bool keep_serving();
  void keep_up();
  void register_now();
  void registered(std::uint64_t need, const Result<>& result);
  void try_again_later(const Error& error);

  const EndpointContext& context_;
  std::string resource_;
  std::string socket_;  // its name in the kubelet's directory
  Units units_;
  std::unique_ptr<ResourceServer> server_;
  std::unique_ptr<PathWatch> watch_;  // of the socket
  // Counts the reasons for a registration, so that a registration under way does not count for a reason that
  // came after it began.
  std::uint64_t needed_ = 1;
  std::uint64_t registered_ = 0;
  std::shared_ptr<Registration> attempt_;  // under way, in a worker
  Retry retry_;
  Trouble trouble_;
};

}  // namespace nvccd::kubernetes
