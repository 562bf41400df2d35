// nvccctl's way to the daemon: calls that wait for their answer.
#pragma once

#include <memory>
#include <string>

#include "client/client_error.h"
#include "client/password_agent.h"
#include "common/base/event.h"
#include "common/bus/mirror.h"
#include "common/bus/views.h"
#include "common/model/finding.h"

namespace nvccd::client {

class Connection {
 public:
  // `address` empty: the system bus, which may be elsewhere by DBUS_SYSTEM_BUS_ADDRESS. With `ask_password`
  // the user may be asked to prove that a change is allowed.
  static ClientResult<Connection> open(const std::string& address, bool ask_password);

  sd_bus* bus() { return bus_.get(); }
  sd_event* loop() { return loop_.get(); }  // on which the signals of the bus arrive

  // A call that does not start a daemon that does not run: where nvccd is not enabled it must take no device.
  BusMessagePtr new_call(const std::string& path, const char* interface, const char* member);
  // Reading is answered at once or never.
  ClientResult<BusMessagePtr> read(const BusMessagePtr& call);
  // A change may have to wait for somebody to type a password. Ctrl-C ends the program then.
  ClientResult<BusMessagePtr> change(const BusMessagePtr& call);

  ClientResult<PropertyMap> properties(const std::string& path, const char* interface);
  // Everything that nvccd shows, as it is now.
  ClientResult<Mirror> mirror();
  ClientResult<std::string> device_path(const std::string& address);
  ClientResult<Snapshot> snapshot();
  ClientResult<Findings> check();

 private:
  Connection(EventPtr loop, BusPtr bus, bool ask_password)
      : loop_(std::move(loop)), bus_(std::move(bus)), ask_password_(ask_password) {}
  ClientError call_error(int error_number, const BusError& error, const char* member);
  std::string daemon_version();

  EventPtr loop_;
  BusPtr bus_;
  bool ask_password_;
  std::unique_ptr<PasswordAgent> agent_;
};

ClientError message_error(int error_number);  // a message that is not what it should be

}  // namespace nvccd::client
