// A message bus of the test's own, and sd-bus clients on the test's event loop.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/base/event.h"
#include "event_loop.h"
#include "temporary_directory.h"

namespace nvccd::test {

// dbus-daemon in its own process. Throws std::runtime_error when it does not come up.
class PrivateBus {
 public:
  static constexpr const char* allow_all =
      "<policy context='default'><allow user='*'/><allow own='*'/><allow send_destination='*'/>"
      "<allow receive_sender='*'/></policy>";

  // `policy` is what the bus configuration says about who may do what.
  explicit PrivateBus(const std::string& policy = allow_all);
  ~PrivateBus();
  PrivateBus(const PrivateBus&) = delete;
  PrivateBus& operator=(const PrivateBus&) = delete;

  const std::string& address() const { return address_; }

 private:
  TemporaryDirectory directory_;
  pid_t pid_ = -1;
  std::string address_;
};

// What came back from a call.
struct Reply {
  BusMessagePtr message;
  std::string error_name;  // "" on success
  std::string error_message;

  bool ok() const { return error_name.empty(); }
  std::string read_string(char type = 's') const;
};

// A connection to the private bus whose calls run the loop until they are answered.
class Client {
 public:
  // With a user id the bus sees that user; only root can do so.
  Client(sd_event* event, const std::string& address, uid_t user = static_cast<uid_t>(-1));

  sd_bus* bus() { return bus_.get(); }
  std::string unique_name();
  void disconnect() { bus_.reset(); }

  BusMessagePtr new_call(const std::string& path, const char* interface, const char* member);
  Reply call(const BusMessagePtr& message);
  // Calls a method; `types` and what follows as in sd_bus_message_append().
  template <typename... Arguments>
  Reply call(const std::string& path, const char* interface, const char* member, const char* types = "",
             Arguments... arguments) {
    auto message = new_call(path, interface, member);
    sd_bus_message_append(message.get(), types, arguments...);
    return call(message);
  }
  // Sends a call and leaves the answer to `done`.
  BusSlotPtr start_call(const BusMessagePtr& message, sd_bus_message_handler_t done, void* userdata);

 private:
  sd_event* event_;
  BusPtr bus_;
};

}  // namespace nvccd::test
