#include "kubernetes/node-agent/nvccd_link.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <system_error>
#include <utility>

#include "common/base/open_bus.h"
#include "common/bus/names.h"

namespace nvccd::agent {
namespace {

constexpr auto properties_interface = "org.freedesktop.DBus.Properties";
constexpr auto object_manager_interface = "org.freedesktop.DBus.ObjectManager";
// The properties that a call for them has answered; nullopt: an error, or not as it should be.
std::optional<client::PropertyMap> read_manager(sd_bus_message* answer) {
  client::PropertyMap properties;
  if (sd_bus_message_is_method_error(answer, nullptr) || client::read_properties(answer, properties) < 0)
    return std::nullopt;
  return properties;
}

std::optional<client::ManagedObjects> read_others(sd_bus_message* answer) {
  client::ManagedObjects objects;
  if (sd_bus_message_is_method_error(answer, nullptr) || client::read_objects(answer, objects) < 0)
    return std::nullopt;
  return objects;
}

constexpr auto bus_closes =
    "type='signal',sender='org.freedesktop.DBus.Local',path='/org/freedesktop/DBus/Local',"
    "interface='org.freedesktop.DBus.Local',member='Disconnected'";

int append_options(sd_bus_message* message, bool dry_run) {
  return dry_run ? sd_bus_message_append(message, "a{sv}", 1, "dry-run", "b", 1)
                 : sd_bus_message_append(message, "a{sv}", 0);
}

}  // namespace

NvccdLink::NvccdLink(sd_event* event, Scheduler& scheduler, std::string address, Handlers handlers)
    : event_(share(event)),
      scheduler_(scheduler),
      address_(std::move(address)),
      handlers_(std::move(handlers)) {
  open();
}

NvccdLink::~NvccdLink() = default;

template <auto handler>
int NvccdLink::follow(BusSlotPtr& slot, const char* match) {
  return sd_bus_add_match_async(bus_.get(), out(slot), match, callback<handler>, nullptr, this);
}

// A message that cannot be sent fails as if the bus had gone; that ends every call.
template <auto answered>
bool NvccdLink::send(const BusMessagePtr& message, BusSlotPtr& slot) {
  const int r = message ? sd_bus_call_async(bus_.get(), out(slot), message.get(), callback<answered>, this, 0)
                        : -ENOTCONN;
  if (r < 0) closing_ = scheduler_.after(Duration(0), [this, r] { disconnected(-r); });
  return r >= 0;
}

// ---- the bus ----

void NvccdLink::open() {
  if (const int r = connect(); r < 0) disconnected(-r);
}

int NvccdLink::connect() {
  auto bus = open_bus(address_);
  if (!bus) return -bus.error();
  bus_ = std::move(*bus);
  int r = sd_bus_attach_event(bus_.get(), event_.get(), SD_EVENT_PRIORITY_NORMAL);
  if (r >= 0) r = follow<&NvccdLink::note>(owner_, client::owner_signals);
  if (r >= 0) r = follow<&NvccdLink::note>(signals_, client::object_signals);
  if (r >= 0) r = follow<&NvccdLink::bus_closed>(closed_, bus_closes);
  if (r >= 0) fetch();
  return r;
}

void NvccdLink::disconnected(int error) {
  for (BusSlotPtr* slot : {&signals_, &owner_, &closed_, &manager_reply_, &objects_reply_, &answer_})
    slot->reset();
  bus_.reset();
  const std::string cause = std::generic_category().message(error);
  spdlog::log(bus_trouble_.is_news(cause) ? spdlog::level::warn : spdlog::level::debug,
              "the bus cannot be reached: {}; trying again", cause);
  retry_.later([this] { open(); });
  set_running(false);
}

// ---- what nvccd says ----

void NvccdLink::fetch() {
  const auto message = new_call(dbus::manager_path, properties_interface, "GetAll");
  if (message) sd_bus_message_append(message.get(), "s", dbus::manager_interface);
  if (!send<&NvccdLink::manager_read>(message, manager_reply_)) return;
  send<&NvccdLink::fetched>(new_call(dbus::manager_path, object_manager_interface, "GetManagedObjects"),
                            objects_reply_);
}

void NvccdLink::refresh() {
  if (!std::exchange(busy_, true)) fetch();  // the new state replaces what is under way
}

void NvccdLink::fetched(sd_bus_message* reply) {
  auto objects = read_others(reply);
  running_ = objects && manager_is_known_;
  const bool absent = sd_bus_message_is_method_error(reply, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
                      sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
  if (*running_ || absent) bus_trouble_.end();
  if (*running_) {
    mirror_.set_objects(*std::move(objects));
    retry_.succeeded();
  } else {
    mirror_.clear();
    // A daemon that is not there announces itself when it comes; one that does not answer has to be asked
    // again.
    if (!absent) retry_.later([this] { fetch(); });
  }
  busy_ = static_cast<bool>(answered_);  // a call that was made since is still to be answered
  handlers_.changed();
}

void NvccdLink::set_running(bool running) {
  running_ = running;
  mirror_.clear();
  end_call(std::unexpected(CallError{.message = "nvccd has gone"}));
  busy_ = false;
  handlers_.changed();
}

void NvccdLink::note(sd_bus_message* message) {
  const auto signal = client::parse_signal(message);
  if (!signal) return;
  if (const auto* owner = std::get_if<client::OwnerChanged>(&*signal)) return note_owner(*owner);
  const auto* ended = std::get_if<client::JobEnded>(&*signal);
  client::JobView job;
  if (ended != nullptr) job = mirror_.job(ended->path).value_or(client::JobView{});
  const bool changed = mirror_.apply(*signal);
  if (ended != nullptr) {
    job.id = ended->id;
    job.state = ended->result;
    handlers_.job_ended(ended->path, job);
  } else if (!changed) {
    return;
  }
  if (running_ == true) handlers_.changed();
}

void NvccdLink::note_owner(const client::OwnerChanged& owner) {
  if (owner.left || !owner.came) set_running(false);
  if (owner.came) fetch();
}

// ---- what we ask of it ----

void NvccdLink::call(const Call& call, Answered answered) {
  BusMessagePtr message;
  if (const auto* cancel = std::get_if<CancelJob>(&call)) {
    const std::string path = fmt::format("{}/{}", dbus::job_prefix, cancel->id);
    message = new_call(path.c_str(), dbus::job_interface, "Cancel");
  } else {
    const auto* check = std::get_if<CheckMode>(&call);
    const auto* set = check ? std::get_if<SetMode>(&check->change) : std::get_if<SetMode>(&call);
    message = new_call(dbus::manager_path, dbus::manager_interface, set ? "SetMode" : "ClearMode");
    if (message && set) sd_bus_message_append(message.get(), "s", set->mode.c_str());
    if (message) append_options(message.get(), check != nullptr);
  }
  answered_ = std::move(answered);
  busy_ = true;
  send<&NvccdLink::call_answered>(message, answer_);
}

void NvccdLink::call_answered(sd_bus_message* reply) {
  CallResult result;
  if (const sd_bus_error* error = sd_bus_message_get_error(reply)) {
    result = std::unexpected(CallError{.kind = kind_of_error(error->name ? error->name : ""),
                                       .message = error->message ? error->message : ""});
  } else if (const char* job = nullptr; sd_bus_message_read(reply, "o", &job) > 0) {
    result->job = job;
    // nvccd announces a job before it answers with it. Of an unknown job nobody can say that it affects no
    // device.
    const auto known = mirror_.job(job);
    result->affects = !known || !known->devices.empty();
  }
  end_call(result);
  fetch();
}

void NvccdLink::end_call(const CallResult& result) {
  if (const Answered answered = std::exchange(answered_, {})) answered(result);
}

BusMessagePtr NvccdLink::new_call(const char* path, const char* interface, const char* member) {
  BusMessagePtr message;
  if (bus_ &&
      sd_bus_message_new_method_call(bus_.get(), out(message), dbus::bus_name, path, interface, member) >= 0)
    (void)sd_bus_message_set_auto_start(message.get(), 0);
  return message;
}

// ---- from sd-bus ----

void NvccdLink::manager_read(sd_bus_message* reply) {
  auto manager = read_manager(reply);
  manager_is_known_ = manager.has_value();
  if (manager) mirror_.set_manager(*std::move(manager));
}

void NvccdLink::bus_closed() {
  // Not from within a handler of the connection that is closed.
  closing_ = scheduler_.after(Duration(0), [this] { disconnected(ECONNRESET); });
}

}  // namespace nvccd::agent
