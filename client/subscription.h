// nvccd's signals, one after the other; and what the user does meanwhile.
#pragma once

#include <deque>
#include <string>

#include "client/connection.h"
#include "common/base/event.h"

namespace nvccd::client {

struct BusEvent {
  enum class Kind {
    changed,
    removed,
    job_ended,
    daemon_started,
    daemon_stopped,
    interrupted,  // Ctrl-C
    redraw,       // the terminal has another size, or a second has gone by
  };
  Kind kind;
  std::string path = {};
  std::string interface = {};
  PropertyMap properties = {};  // changed (also of a new object): the new values
  std::string result = {};      // job_ended: "done", "failed" or "cancelled"
};

// Sees every signal that is sent after it was made. The connection must outlive it.
class Subscription {
 public:
  explicit Subscription(Connection& connection) : bus_(connection.bus()), loop_(connection.loop()) {}
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  ClientResult<> start();
  // From here on Ctrl-C is an event instead of the end of the program; with `redraw` there are those events,
  // too.
  ClientResult<> watch_user(bool redraw);
  // Waits for the next event.
  ClientResult<BusEvent> next();

 private:
  void note_unix_signal(sd_event_source* source, const signalfd_siginfo* info);
  int note_second(sd_event_source* source, std::uint64_t now_usec);
  int add_unix_signal(int signal, EventSourcePtr& source);
  int add_clock();
  void note(sd_bus_message* message);
  void note_new_object(sd_bus_message* message);
  void note_removed_object(sd_bus_message* message);
  void note_changed_properties(sd_bus_message* message);
  void note_ended_job(sd_bus_message* message);
  void note_new_owner(sd_bus_message* message);

  sd_bus* bus_;
  sd_event* loop_;
  std::deque<BusEvent> events_;
  BusSlotPtr objects_;
  BusSlotPtr owner_;
  EventSourcePtr interrupt_;
  EventSourcePtr resize_;
  EventSourcePtr second_;
};

}  // namespace nvccd::client
