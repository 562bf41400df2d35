// nvccd on the bus: org.nvccd1 with its objects, kept up with the manager.
#pragma once

#include <memory>
#include <string>

#include "common/base/event.h"
#include "daemon/bus/check_calls.h"
#include "daemon/engine/manager.h"

namespace nvccd {

// Runs on the event loop's thread. The manager must outlive it. When the bus goes away the loop is ended with
// an error, as the daemon cannot be reached any more.
class BusService {
 public:
  // Connects to the bus (`address` empty: the system bus) and takes the name, which only one nvccd can have.
  // Calls that come meanwhile are answered when the service is there.
  static Result<BusPtr> take_name(const std::string& address);

  // Registers all objects on that connection. `check` makes the preflight checks for
  // org.nvccd1.Manager.Check; at most one run at a time.
  static Result<std::unique_ptr<BusService>> create(sd_event* event, BusPtr bus, Manager& manager,
                                                    dbus::CheckFunction check);
  // take_name() and create() in one.
  static Result<std::unique_ptr<BusService>> create(sd_event* event, const std::string& address,
                                                    Manager& manager, dbus::CheckFunction check);
  ~BusService();
  BusService(const BusService&) = delete;
  BusService& operator=(const BusService&) = delete;

 private:
  class Objects;
  BusService(BusPtr bus, std::unique_ptr<Objects> objects);

  BusPtr bus_;
  std::unique_ptr<Objects> objects_;  // before the bus it is registered on
};

}  // namespace nvccd
