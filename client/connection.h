// nvccctl's way to the daemon: calls that wait for their answer.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/event.h"
#include "client/client_error.h"
#include "client/password_agent.h"
#include "client/property_map.h"
#include "client/views.h"
#include "model/finding.h"

namespace nvccd::client {

// Object path -> interface -> properties, of our interfaces only.
using ManagedObjects = std::map<std::string, std::map<std::string, PropertyMap>>;

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
  ClientResult<ManagedObjects> managed_objects();
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

// The objects of one interface, made into views.
template <typename View>
std::vector<View> views(const ManagedObjects& objects, const std::string& interface,
                        View (*to_view)(const PropertyMap&)) {
  std::vector<View> found;
  for (const auto& [path, interfaces] : objects)
    if (const auto place = interfaces.find(interface); place != interfaces.end())
      found.push_back(to_view(place->second));
  return found;
}

// Reads the a{sa{sv}} at the message's position. Negative errno when the message is not as it should be.
int read_interfaces(sd_bus_message* message, std::map<std::string, PropertyMap>& interfaces);

ClientError message_error(int error_number);  // a message that is not what it should be

}  // namespace nvccd::client
