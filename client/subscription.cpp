#include "client/subscription.h"

#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <utility>

namespace nvccd::client {
namespace {

constexpr std::uint64_t second_usec = 1'000'000;

ClientError closed() {
  return {ExitStatus::not_reachable, "the bus has closed the connection"};
}

}  // namespace

ClientResult<> Subscription::start() {
  int r = sd_bus_add_match(bus_, out(objects_), object_signals, callback<&Subscription::note>, this);
  if (r >= 0) r = sd_bus_add_match(bus_, out(owner_), owner_signals, callback<&Subscription::note>, this);
  if (r < 0) return std::unexpected(ClientError{ExitStatus::not_reachable, "cannot listen to the bus"});
  return {};
}

ClientResult<> Subscription::watch_user(bool redraw) {
  int r = add_unix_signal(SIGINT, interrupt_);
  if (r >= 0 && redraw) r = add_unix_signal(SIGWINCH, resize_);
  if (r >= 0 && redraw) r = add_clock();
  if (r < 0) return std::unexpected(ClientError{ExitStatus::failed, "cannot listen to signals"});
  return {};
}

int Subscription::add_unix_signal(int signal, EventSourcePtr& source) {
  return sd_event_add_signal(loop_, out(source), signal | SD_EVENT_SIGNAL_PROCMASK,
                             callback<&Subscription::note_unix_signal>, this);
}

int Subscription::add_clock() {
  return sd_event_add_time_relative(loop_, out(second_), CLOCK_MONOTONIC, second_usec, 0,
                                    callback<&Subscription::note_second>, this);
}

ClientResult<Event> Subscription::next() {
  while (events_.empty()) {
    if (sd_bus_is_open(bus_) <= 0) return std::unexpected(closed());
    if (const int r = sd_event_run(loop_, UINT64_MAX); r < 0 && r != -EINTR) return std::unexpected(closed());
  }
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void Subscription::note_unix_signal(sd_event_source*, const signalfd_siginfo* info) {
  if (info->ssi_signo == SIGINT)
    events_.emplace_back(Interrupted{});
  else
    events_.emplace_back(Redraw{});
}

int Subscription::note_second(sd_event_source* source, std::uint64_t now_usec) {
  events_.emplace_back(Redraw{});
  sd_event_source_set_time(source, now_usec + second_usec);
  return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void Subscription::note(sd_bus_message* message) {
  if (auto signal = parse_signal(message)) events_.emplace_back(*std::move(signal));
}

}  // namespace nvccd::client
