#include "client/subscription.h"

#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <utility>

namespace nvccd::client {
namespace {

constexpr std::uint64_t second_usec = 1'000'000;

ClientError closed() {
  return {SD_BUS_ERROR_DISCONNECTED, "the bus has closed the connection"};
}

}  // namespace

ClientResult<> Subscription::start() {
  sd_bus_slot* slot = nullptr;
  int r = sd_bus_add_match(bus_, &slot, object_signals, on_signal, this);
  objects_.reset(slot);
  if (r >= 0) {
    slot = nullptr;
    r = sd_bus_add_match(bus_, &slot, owner_signals, on_signal, this);
    owner_.reset(slot);
  }
  if (r < 0) return std::unexpected(ClientError{SD_BUS_ERROR_DISCONNECTED, "cannot listen to the bus"});
  return {};
}

ClientResult<> Subscription::watch_user(bool redraw) {
  int r = add_unix_signal(SIGINT, interrupt_);
  if (r >= 0 && redraw) r = add_unix_signal(SIGWINCH, resize_);
  if (r >= 0 && redraw) r = add_clock();
  if (r < 0) return std::unexpected(ClientError{SD_BUS_ERROR_FAILED, "cannot listen to signals"});
  return {};
}

int Subscription::add_unix_signal(int signal, EventSourcePtr& source) {
  sd_event_source* added = nullptr;
  const int r = sd_event_add_signal(loop_, &added, signal | SD_EVENT_SIGNAL_PROCMASK, on_unix_signal, this);
  source.reset(added);
  return r;
}

int Subscription::add_clock() {
  sd_event_source* added = nullptr;
  const int r = sd_event_add_time_relative(loop_, &added, CLOCK_MONOTONIC, second_usec, 0, on_second, this);
  second_.reset(added);
  return r;
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

int Subscription::on_unix_signal(sd_event_source*, const signalfd_siginfo* info, void* userdata) noexcept {
  auto& events = static_cast<Subscription*>(userdata)->events_;
  if (info->ssi_signo == SIGINT)
    events.emplace_back(Interrupted{});
  else
    events.emplace_back(Redraw{});
  return 0;
}

int Subscription::on_second(sd_event_source* source, std::uint64_t now_usec, void* userdata) noexcept {
  static_cast<Subscription*>(userdata)->events_.emplace_back(Redraw{});
  sd_event_source_set_time(source, now_usec + second_usec);
  return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

// Out of memory ends the program here, as everywhere else in it.
int Subscription::on_signal(sd_bus_message* message, void* userdata, sd_bus_error*) noexcept {
  if (auto signal = parse_signal(message))
    static_cast<Subscription*>(userdata)->events_.emplace_back(*std::move(signal));
  return 0;
}

}  // namespace nvccd::client
