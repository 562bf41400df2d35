#include "client/subscription.h"

#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <string_view>

#include "common/bus/names.h"

namespace nvccd::client {
namespace {

constexpr std::uint64_t second_usec = 1'000'000;

ClientError closed() {
  return {ExitStatus::not_reachable, "the bus has closed the connection"};
}

}  // namespace

ClientResult<> Subscription::start() {
  int r =
      sd_bus_add_match(bus_, out(objects_), "type='signal',sender='org.nvccd1',path_namespace='/org/nvccd1'",
                       callback<&Subscription::note>, this);
  if (r >= 0)
    r = sd_bus_add_match(bus_, out(owner_),
                         "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                         "member='NameOwnerChanged',arg0='org.nvccd1'",
                         callback<&Subscription::note>, this);
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

ClientResult<BusEvent> Subscription::next() {
  while (events_.empty()) {
    if (sd_bus_is_open(bus_) <= 0) return std::unexpected(closed());
    if (const int r = sd_event_run(loop_, UINT64_MAX); r < 0 && r != -EINTR) return std::unexpected(closed());
  }
  BusEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void Subscription::note_unix_signal(sd_event_source*, const signalfd_siginfo* info) {
  const bool interrupt = info->ssi_signo == SIGINT;
  events_.push_back({interrupt ? BusEvent::Kind::interrupted : BusEvent::Kind::redraw});
}

int Subscription::note_second(sd_event_source* source, std::uint64_t now_usec) {
  events_.push_back({BusEvent::Kind::redraw});
  sd_event_source_set_time(source, now_usec + second_usec);
  return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void Subscription::note(sd_bus_message* message) {
  const std::string_view member = sd_bus_message_get_member(message);
  if (member == "InterfacesAdded") note_new_object(message);
  if (member == "InterfacesRemoved") note_removed_object(message);
  if (member == "PropertiesChanged") note_changed_properties(message);
  if (member == "JobRemoved") note_ended_job(message);
  if (member == "NameOwnerChanged") note_new_owner(message);
}

void Subscription::note_new_object(sd_bus_message* message) {
  const char* path = nullptr;
  std::map<std::string, PropertyMap> interfaces;
  if (sd_bus_message_read(message, "o", &path) < 0 || read_interfaces(message, interfaces) < 0) return;
  for (auto& [interface, properties] : interfaces)
    if (interface.starts_with(dbus::bus_name))
      events_.push_back({BusEvent::Kind::changed, path, interface, std::move(properties)});
}

void Subscription::note_removed_object(sd_bus_message* message) {
  const char* path = nullptr;
  if (sd_bus_message_read(message, "o", &path) >= 0) events_.push_back({BusEvent::Kind::removed, path});
}

void Subscription::note_changed_properties(sd_bus_message* message) {
  const char* interface = nullptr;
  PropertyMap properties;
  if (sd_bus_message_read(message, "s", &interface) < 0 || read_properties(message, properties) < 0) return;
  events_.push_back(
      {BusEvent::Kind::changed, sd_bus_message_get_path(message), interface, std::move(properties)});
}

void Subscription::note_ended_job(sd_bus_message* message) {
  std::uint32_t id = 0;
  const char* path = nullptr;
  const char* result = nullptr;
  if (sd_bus_message_read(message, "uos", &id, &path, &result) < 0) return;
  events_.push_back({.kind = BusEvent::Kind::job_ended, .path = path, .result = result});
}

void Subscription::note_new_owner(sd_bus_message* message) {
  const char* name = nullptr;
  const char* before = nullptr;
  const char* now = nullptr;
  if (sd_bus_message_read(message, "sss", &name, &before, &now) < 0) return;
  events_.push_back({*now ? BusEvent::Kind::daemon_started : BusEvent::Kind::daemon_stopped});
}

}  // namespace nvccd::client
