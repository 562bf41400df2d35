#include "daemon/bus/authority.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace nvccd::dbus {
namespace {

constexpr const char* polkit_name = "org.freedesktop.PolicyKit1";
constexpr const char* polkit_path = "/org/freedesktop/PolicyKit1/Authority";
constexpr const char* polkit_interface = "org.freedesktop.PolicyKit1.Authority";

CallError denied(std::string message) {
  return {SD_BUS_ERROR_ACCESS_DENIED, std::move(message)};
}

bool is_absence(const sd_bus_error& error) {
  return sd_bus_error_has_names(&error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER) > 0;
}

// polkit's answer is (bba{ss}): authorized, could be after a question to the user, details.
CallResult read_answer(sd_bus_message* answer) {
  if (const sd_bus_error* error = sd_bus_message_get_error(answer)) {
    if (is_absence(*error))
      return std::unexpected(
          denied("only root may do this here: polkit, which could allow others, is not running"));
    spdlog::warn("polkit could not decide, refusing the caller: {}",
                 error->message ? error->message : error->name);
    return std::unexpected(denied("polkit could not decide whether you may do this"));
  }
  int authorized = 0;
  int challenge = 0;
  int r = sd_bus_message_enter_container(answer, 'r', "bba{ss}");
  if (r >= 0) r = sd_bus_message_read(answer, "bb", &authorized, &challenge);
  if (r < 0) return std::unexpected(denied("polkit's answer was not understood"));
  if (authorized) return {};
  if (challenge)
    return std::unexpected(
        CallError{SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                  "this needs the administrator's password, and nobody could be asked for it"});
  return std::unexpected(denied("you are not allowed to do this"));
}

}  // namespace

const char* action_id(Access access) {
  switch (access) {
    case Access::set_mode:
      return "org.nvccd1.set-mode";
    case Access::manage_devices:
      return "org.nvccd1.manage-devices";
    case Access::reload:
      return "org.nvccd1.reload";
    case Access::none:
      break;
  }
  std::unreachable();
}

int Authority::run(sd_bus_message* call, Access access, Action action, sd_bus_error* error) {
  if (access == Access::none || sd_bus_query_sender_privilege(call, CAP_SYS_ADMIN) > 0)
    return execute(call, action, error);
  return ask(call, access, std::move(action), error);
}

int Authority::ask(sd_bus_message* call, Access access, Action action, sd_bus_error* error) {
  const char* sender = sd_bus_message_get_sender(call);
  if (!sender) return set_error(error, denied("the caller has no name on the bus"));
  if (!may_wait(pending_, sender, [](const Pending& pending) { return pending.call.get(); }))
    return set_error(error,
                     {SD_BUS_ERROR_LIMITS_EXCEEDED, "too many calls are waiting for an authorization"});

  pending_.push_back({this, share(call), std::move(action), fmt::format("nvccd-{}", ++checks_)});
  Pending& pending = pending_.back();
  int r = watch_caller(pending, sender);
  if (r >= 0) r = send_check(pending, access);
  if (r < 0) {
    take(pending);
    return r;
  }
  return 1;
}

int Authority::watch_caller(Pending& pending, const char* sender) {
  const std::string match = fmt::format(
      "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged'"
      ","
      "arg0='{}',arg2=''",
      sender);
  return sd_bus_add_match_async(bus_, out(pending.caller_left), match.c_str(), callback<on_caller_left>,
                                nullptr, &pending);
}

int Authority::send_check(Pending& pending, Access access) {
  BusMessagePtr check;
  int r = sd_bus_message_new_method_call(bus_, out(check), polkit_name, polkit_path, polkit_interface,
                                         "CheckAuthorization");
  sd_bus_message* const message = check.get();
  // The unique name, not the process: names are never used again, process ids are.
  const char* sender = sd_bus_message_get_sender(pending.call.get());
  if (r >= 0)
    r = sd_bus_message_append(message, "(sa{sv})s", "system-bus-name", 1, "name", "s", sender,
                              action_id(access));
  if (r >= 0) r = sd_bus_message_open_container(message, 'a', "{ss}");
  for (const auto& [key, value] : pending.action.details)
    if (r >= 0) r = sd_bus_message_append(message, "{ss}", key.c_str(), value.c_str());
  if (r >= 0) r = sd_bus_message_close_container(message);
  const std::uint32_t flags =
      sd_bus_message_get_allow_interactive_authorization(pending.call.get()) > 0 ? 1 : 0;
  if (r >= 0) r = sd_bus_message_append(message, "us", flags, pending.cancellation_id.c_str());
  if (r < 0) return r;
  // Without a time limit: the usual one is shorter than a person takes to type a password.
  return sd_bus_call_async(bus_, out(pending.check), message, callback<on_answer>, &pending, UINT64_MAX);
}

Authority::Pending Authority::take(const Pending& pending) {
  const auto place = std::ranges::find_if(pending_, [&](const Pending& entry) { return &entry == &pending; });
  Pending taken = std::move(*place);
  pending_.erase(place);
  return taken;
}

// Closes a password dialog that nobody waits for any more.
void Authority::forget_check(const std::string& cancellation_id) {
  BusMessagePtr cancel;
  const int r = sd_bus_message_new_method_call(bus_, out(cancel), polkit_name, polkit_path, polkit_interface,
                                               "CancelCheckAuthorization");
  if (r < 0 || sd_bus_message_append(cancel.get(), "s", cancellation_id.c_str()) < 0) return;
  sd_bus_message_set_expect_reply(cancel.get(), 0);
  sd_bus_send(bus_, cancel.get(), nullptr);
}

void Authority::on_answer(Pending& entry, sd_bus_message* answer) {
  const Pending pending = entry.authority->take(entry);
  // The error belongs to the caller's message, not to the answer that is being handled.
  BusError error;
  const int r = at_c_boundary(error.get(), [&] {
    if (const auto allowed = read_answer(answer); !allowed) return set_error(error.get(), allowed.error());
    return execute(pending.call.get(), pending.action, error.get());
  });
  if (r < 0) sd_bus_reply_method_errno(pending.call.get(), r, error.get());
}

void Authority::on_caller_left(Pending& entry) {
  Authority& authority = *entry.authority;
  const Pending pending = authority.take(entry);
  authority.forget_check(pending.cancellation_id);
}

}  // namespace nvccd::dbus
