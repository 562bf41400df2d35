#include "client/connection.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "client/absence.h"
#include "client/interruption.h"
#include "common/base/open_bus.h"
#include "common/bus/names.h"

namespace nvccd::client {
namespace {

std::string errno_text(int error_number) {
  return std::generic_category().message(error_number);
}

ClientError not_reachable(std::string message) {
  return {ExitStatus::not_reachable, std::move(message)};
}

void keep_reply(BusMessagePtr& kept, sd_bus_message* message) {
  kept = share(message);
}

void note_interrupt(bool& interrupted) {
  interrupted = true;
}

bool is_unknown(const std::string& name) {
  return name == SD_BUS_ERROR_UNKNOWN_METHOD || name == SD_BUS_ERROR_UNKNOWN_INTERFACE ||
         name == SD_BUS_ERROR_UNKNOWN_OBJECT || name == SD_BUS_ERROR_UNKNOWN_PROPERTY;
}

}  // namespace

ClientError message_error(int error_number) {
  return {ExitStatus::failed, "a message of nvccd was not understood: " + errno_text(error_number)};
}

// A failed call: by the other side, or because the bus or the daemon went away.
ClientError Connection::call_error(int error_number, const BusError& error, const char* member) {
  const std::string name = error.name();
  if (name == SD_BUS_ERROR_SERVICE_UNKNOWN || name == SD_BUS_ERROR_NAME_HAS_NO_OWNER)
    return {ExitStatus::not_reachable, explain_absence(ask_systemd(bus_.get()))};
  if (error_number == ETIMEDOUT || name == SD_BUS_ERROR_NO_REPLY)
    return {ExitStatus::not_reachable, "nvccd does not answer: systemctl status nvccd may show why"};
  if (error_number == ECONNRESET || error_number == ENOTCONN)
    return not_reachable("the bus has closed the connection");
  if (name == SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED || name == SD_BUS_ERROR_ACCESS_DENIED)
    return {ExitStatus::not_authorised,
            fmt::format(
                "not authorised: {}; root may always, and a polkit rule can allow others (see nvccctl(1))",
                error.message())};
  if (is_unknown(name))
    return bus_error(name,
                     fmt::format("the running nvccd{} does not know {}, and this is nvccctl {}",
                                 daemon_version(), member, NVCCD_VERSION),
                     "after an upgrade: systemctl restart nvccd");
  if (name.empty()) return {ExitStatus::failed, errno_text(error_number)};
  return bus_error(name, error.message());
}

// " 0.1.0", or "" where it does not say.
std::string Connection::daemon_version() {
  std::unique_ptr<char, CallDeleter<std::free>> text;
  if (sd_bus_get_property_string(bus_.get(), dbus::bus_name, dbus::manager_path, dbus::manager_interface,
                                 "Version", nullptr, out(text)) < 0)
    return "";
  return std::string(" ") + text.get();
}

ClientResult<Connection> Connection::open(const std::string& address, bool ask_password) {
  auto bus = open_bus(address);
  if (!bus)
    return std::unexpected(not_reachable(
        fmt::format("cannot connect to {}: {}", address.empty() ? "the system bus" : "the bus at " + address,
                    errno_text(bus.error()))));
  sd_bus_set_allow_interactive_authorization(bus->get(), ask_password);
  EventPtr loop;
  int r = sd_event_new(out(loop));
  if (r >= 0) r = sd_bus_attach_event(bus->get(), loop.get(), SD_EVENT_PRIORITY_NORMAL);
  if (r < 0) return std::unexpected(not_reachable("cannot wait for the bus: " + errno_text(-r)));
  return Connection(std::move(loop), std::move(*bus), ask_password);
}

BusMessagePtr Connection::new_call(const std::string& path, const char* interface, const char* member) {
  BusMessagePtr message;
  if (sd_bus_message_new_method_call(bus_.get(), out(message), dbus::bus_name, path.c_str(), interface,
                                     member) >= 0)
    sd_bus_message_set_auto_start(message.get(), 0);
  return message;
}

ClientResult<BusMessagePtr> Connection::read(const BusMessagePtr& message) {
  if (!message) return std::unexpected(not_reachable("the bus has closed the connection"));
  BusError error;
  BusMessagePtr reply;
  const int r = sd_bus_call(bus_.get(), message.get(), 0, error.get(), out(reply));
  if (r < 0) return std::unexpected(call_error(-r, error, sd_bus_message_get_member(message.get())));
  return reply;
}

ClientResult<BusMessagePtr> Connection::change(const BusMessagePtr& message) {
  if (!message) return std::unexpected(not_reachable("the bus has closed the connection"));
  if (ask_password_ && !agent_) agent_ = PasswordAgent::start();
  bool interrupted = false;
  EventSourcePtr interrupt;
  // Somebody who is asked for a password may rather give up; the agent must not leave the terminal silent.
  if (agent_)
    sd_event_add_signal(loop_.get(), out(interrupt), SIGINT | SD_EVENT_SIGNAL_PROCMASK,
                        callback<note_interrupt>, &interrupted);
  BusMessagePtr reply;
  BusSlotPtr call;
  int r = sd_bus_call_async(bus_.get(), out(call), message.get(), callback<keep_reply>, &reply, UINT64_MAX);
  while (r >= 0 && !reply && !interrupted)
    r = sd_event_run(loop_.get(), UINT64_MAX);
  if (interrupted) {
    agent_.reset();
    end_interrupted();
  }
  BusError error;
  const char* member = sd_bus_message_get_member(message.get());
  if (!reply) return std::unexpected(call_error(-r, error, member));
  if (!sd_bus_message_is_method_error(reply.get(), nullptr)) return reply;
  sd_bus_error_copy(error.get(), sd_bus_message_get_error(reply.get()));
  return std::unexpected(call_error(sd_bus_message_get_errno(reply.get()), error, member));
}

ClientResult<PropertyMap> Connection::properties(const std::string& path, const char* interface) {
  const auto message = new_call(path, "org.freedesktop.DBus.Properties", "GetAll");
  if (message) sd_bus_message_append(message.get(), "s", interface);
  const auto reply = read(message);
  if (!reply) return std::unexpected(reply.error());
  PropertyMap properties;
  if (const int r = read_properties(reply->get(), properties); r < 0)
    return std::unexpected(message_error(-r));
  return properties;
}

ClientResult<Mirror> Connection::mirror() {
  auto manager = properties(dbus::manager_path, dbus::manager_interface);
  if (!manager) return std::unexpected(manager.error());
  const auto reply =
      read(new_call(dbus::manager_path, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"));
  if (!reply) return std::unexpected(reply.error());
  ManagedObjects objects;
  if (const int r = read_objects(reply->get(), objects); r < 0) return std::unexpected(message_error(-r));
  Mirror mirror;
  mirror.set_manager(*std::move(manager));
  mirror.set_objects(std::move(objects));
  return mirror;
}

ClientResult<std::string> Connection::device_path(const std::string& address) {
  const auto message = new_call(dbus::manager_path, dbus::manager_interface, "GetDevice");
  if (message) sd_bus_message_append(message.get(), "s", address.c_str());
  const auto reply = read(message);
  if (!reply) return std::unexpected(reply.error());
  const char* path = nullptr;
  if (const int r = sd_bus_message_read(reply->get(), "o", &path); r < 0)
    return std::unexpected(message_error(-r));
  return path;
}

ClientResult<Snapshot> Connection::snapshot() {
  const auto seen = mirror();
  if (!seen) return std::unexpected(seen.error());
  return seen->snapshot();
}

ClientResult<Findings> Connection::check() {
  const auto reply = read(new_call(dbus::manager_path, dbus::manager_interface, "Check"));
  if (!reply) return std::unexpected(reply.error());
  Findings findings;
  sd_bus_message* message = reply->get();
  int r = sd_bus_message_enter_container(message, 'a', "(ssss)");
  const char *id, *result, *found, *advice;
  while (r >= 0 && (r = sd_bus_message_read(message, "(ssss)", &id, &result, &found, &advice)) > 0)
    // A result that this version does not know is something to look at.
    findings.push_back({.id = id,
                        .result = parse_enum<CheckResult>(result).value_or(CheckResult::warn),
                        .found = found,
                        .advice = advice});
  if (r < 0) return std::unexpected(message_error(-r));
  return findings;
}

}  // namespace nvccd::client
