#include "client/subscription.h"

#include <string_view>

#include "dbus/names.h"

namespace nvccd::client {

ClientResult<> Subscription::start() {
  sd_bus_slot* slot = nullptr;
  int r = sd_bus_add_match(bus_, &slot, "type='signal',sender='org.nvccd1',path_namespace='/org/nvccd1'",
                           on_signal, this);
  objects_.reset(slot);
  if (r >= 0) {
    slot = nullptr;
    r = sd_bus_add_match(bus_, &slot,
                         "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                         "member='NameOwnerChanged',arg0='org.nvccd1'",
                         on_signal, this);
    owner_.reset(slot);
  }
  if (r < 0) return std::unexpected(ClientError{SD_BUS_ERROR_DISCONNECTED, "cannot listen to the bus"});
  return {};
}

ClientResult<BusEvent> Subscription::next() {
  while (events_.empty()) {
    int r = sd_bus_process(bus_, nullptr);
    if (r == 0) r = sd_bus_wait(bus_, UINT64_MAX);
    if (r < 0 && r != -EINTR)
      return std::unexpected(ClientError{SD_BUS_ERROR_DISCONNECTED, "the bus has closed the connection"});
  }
  BusEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

// Out of memory ends the program here, as everywhere else in it.
int Subscription::on_signal(sd_bus_message* message, void* userdata, sd_bus_error*) noexcept {
  static_cast<Subscription*>(userdata)->note(message);
  return 0;
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
