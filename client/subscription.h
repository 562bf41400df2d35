// nvccd's signals, one after the other; and what the user does meanwhile.
#pragma once

#include <deque>
#include <variant>

#include "client/connection.h"
#include "common/base/event.h"
#include "common/bus/signals.h"

namespace nvccd::client {

struct Interrupted {};  // Ctrl-C
struct Redraw {};       // the terminal has another size, or a second has gone by
using Event = std::variant<Signal, Interrupted, Redraw>;

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
  ClientResult<Event> next();

 private:
  void note_unix_signal(sd_event_source* source, const signalfd_siginfo* info);
  int note_second(sd_event_source* source, std::uint64_t now_usec);
  void note(sd_bus_message* message);
  int add_unix_signal(int signal, EventSourcePtr& source);
  int add_clock();

  sd_bus* bus_;
  sd_event* loop_;
  std::deque<Event> events_;
  BusSlotPtr objects_;
  BusSlotPtr owner_;
  EventSourcePtr interrupt_;
  EventSourcePtr resize_;
  EventSourcePtr second_;
};

}  // namespace nvccd::client
