// nvccd's signals, one after the other.
#pragma once

#include <deque>
#include <string>

#include "base/event.h"
#include "client/connection.h"

namespace nvccd::client {

struct BusEvent {
  enum class Kind { changed, removed, job_ended, daemon_started, daemon_stopped };
  Kind kind;
  std::string path = {};
  std::string interface = {};
  PropertyMap properties = {};  // changed (also of a new object): the new values
  std::string result = {};      // job_ended: "done", "failed" or "cancelled"
};

// Sees every signal that is sent after it was made. The connection must outlive it.
class Subscription {
 public:
  explicit Subscription(Connection& connection) : bus_(connection.bus()) {}
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  ClientResult<> start();
  // Waits for the next event.
  ClientResult<BusEvent> next();

 private:
  static int on_signal(sd_bus_message* message, void* userdata, sd_bus_error* error) noexcept;
  void note(sd_bus_message* message);
  void note_new_object(sd_bus_message* message);
  void note_removed_object(sd_bus_message* message);
  void note_changed_properties(sd_bus_message* message);
  void note_ended_job(sd_bus_message* message);
  void note_new_owner(sd_bus_message* message);

  sd_bus* bus_;
  std::deque<BusEvent> events_;
  BusSlotPtr objects_;
  BusSlotPtr owner_;
};

}  // namespace nvccd::client
