// Who may call what: root always, others if polkit says so.
#pragma once

#include <cstdint>
#include <list>
#include <string>

#include "common/base/event.h"
#include "daemon/bus/call.h"

namespace nvccd::dbus {

// What a caller must be allowed to do; each but `none` is an action of dbus/org.nvccd1.policy.
enum class Access { none, set_mode, manage_devices, reload };

// "org.nvccd1.set-mode"; not for `none`.
const char* action_id(Access access);

// Runs on the event loop's thread and must not outlive the bus.
class Authority {
 public:
  explicit Authority(sd_bus* bus) : bus_(bus) {}
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  // Runs the action and answers the call: at once, or after polkit was asked. Meant as the last step of a
  // method handler: returns what such a handler has to return.
  int run(sd_bus_message* call, Access access, Action action, sd_bus_error* error);

 private:
  // A call that waits for polkit's answer.
  struct Pending {
    Authority* authority;
    BusMessagePtr call;
    Action action;
    std::string cancellation_id;
    BusSlotPtr check = {};
    BusSlotPtr caller_left = {};
  };

  int ask(sd_bus_message* call, Access access, Action action, sd_bus_error* error);
  int send_check(Pending& pending, Access access);
  int watch_caller(Pending& pending, const char* sender);
  Pending take(const Pending& pending);
  void forget_check(const std::string& cancellation_id);

  static void on_answer(Pending& entry, sd_bus_message* answer);
  static void on_caller_left(Pending& entry);

  sd_bus* bus_;
  std::list<Pending> pending_;
  std::uint64_t checks_ = 0;
};

}  // namespace nvccd::dbus
