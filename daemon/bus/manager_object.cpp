#include "daemon/bus/manager_object.h"

#include <fmt/format.h>

#include <utility>

#include "common/bus/error_name.h"
#include "daemon/bus/method.h"
#include "daemon/bus/options.h"
#include "daemon/bus/property.h"
#include "daemon/bus/signal.h"
#include "daemon/bus/text.h"

namespace nvccd::dbus {
namespace {

using Object = ManagerObject;
using Published = ManagerObject::Published;

constexpr Property<Object> properties[] = {
    property<Object, constant>("Version", [](const Published&) { return std::string(NVCCD_VERSION); }),
    property<Object>("DefaultMode",
                     [](const Published& p) { return std::string(to_string(p.node.default_mode)); }),
    property<Object>(
        "NodeMode",
        [](const Published& p) { return std::string(p.node.node_mode ? to_string(*p.node.node_mode) : ""); }),
    property<Object>("RequestedMode",
                     [](const Published& p) { return std::string(to_string(p.node.requested_mode)); }),
    property<Object>("ModeState",
                     [](const Published& p) { return std::string(to_string(p.node.mode_state)); }),
    property<Object>("Ready", [](const Published& p) { return p.node.ready; }),
    property<Object>("HostConfidential",
                     [](const Published& p) { return std::string(to_string(p.node.host_confidential)); }),
    property<Object>("Error", [](const Published& p) { return p.node.error; }),
    property<Object>("Generation", [](const Published& p) { return p.node.generation; }),
    property<Object>("CurrentJob",
                     [](const Published& p) {
                       return ObjectPath{p.current_job ? job_path(*p.current_job) : no_job_path};
                     }),
};

constexpr sd_bus_vtable members[] = {
    SD_BUS_METHOD_WITH_ARGS("SetMode", SD_BUS_ARGS("s", mode, "a{sv}", options), SD_BUS_RESULT("o", job),
                            (method<Object, &Object::set_mode, Access::set_mode>),
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ClearMode", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", job),
                            (method<Object, &Object::clear_mode, Access::set_mode>),
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ListDevices", SD_BUS_NO_ARGS, SD_BUS_RESULT("ao", devices),
                            (method<Object, &Object::list_devices, Access::none>),
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetDevice", SD_BUS_ARGS("s", address), SD_BUS_RESULT("o", device),
                            (method<Object, &Object::get_device, Access::none>), SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Rescan", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT,
                            (method<Object, &Object::rescan, Access::manage_devices>),
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Check", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssss)", findings),
                            (method<Object, &Object::check, Access::none>), SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT,
                            (method<Object, &Object::reload, Access::reload>), SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL_WITH_ARGS("JobNew", SD_BUS_ARGS("u", id, "o", job), 0),
    SD_BUS_SIGNAL_WITH_ARGS("JobRemoved", SD_BUS_ARGS("u", id, "o", job, "s", result), 0),
};

constexpr auto vtable = make_vtable(members, properties);

CallError no_such_device(std::string_view address) {
  return {error_name(ErrorKind::no_such_device),
          fmt::format("there is no device {}; nvccctl list shows them", excerpt(address))};
}

}  // namespace

ManagerObject::ManagerObject(sd_bus* bus, Manager& manager, Authority& authority, CheckFunction check)
    : bus_(bus),
      manager_(manager),
      authority_(authority),
      signalled_(published()),
      check_calls_(std::move(check)) {}

int ManagerObject::attach() {
  return sd_bus_add_object_vtable(bus_, out(slot_), manager_path, manager_interface, vtable.data(), this);
}

void ManagerObject::signal_changes() {
  Published now = published();
  if (signalled_ == now) return;
  emit_changed(bus_, manager_path, manager_interface,
               changed_properties<Object>(properties, signalled_, now));
  signalled_ = std::move(now);
}

void ManagerObject::announce_job(JobId id) {
  expect_sent(
      sd_bus_emit_signal(bus_, manager_path, manager_interface, "JobNew", "uo", id, job_path(id).c_str()),
      manager_path);
}

void ManagerObject::announce_job_end(JobId id, JobState result) {
  expect_sent(sd_bus_emit_signal(bus_, manager_path, manager_interface, "JobRemoved", "uos", id,
                                 job_path(id).c_str(), std::string(to_string(result)).c_str()),
              manager_path);
}

ActionResult ManagerObject::set_mode(sd_bus_message* call) {
  const char* text = nullptr;
  if (sd_bus_message_read(call, "s", &text) < 0)
    return std::unexpected(invalid_arguments("mode: not readable"));
  const auto mode = parse_enum<Mode>(text);
  if (!mode)
    return std::unexpected(CallError{
        error_name(ErrorKind::invalid_mode),
        fmt::format("there is no mode \"{}\"; there are \"on\", \"off\", \"devtools\" and \"ppcie\"",
                    excerpt(text))});
  const auto options = read_mode_options(call);
  if (!options) return std::unexpected(options.error());
  return Action{
      .run = [&manager = manager_, mode = *mode, options = *options](
                 sd_bus_message* reply) { return append_job(reply, manager.set_mode(mode, options)); },
      .details = {{"mode", text}}};
}

ActionResult ManagerObject::clear_mode(sd_bus_message* call) {
  const auto options = read_mode_options(call);
  if (!options) return std::unexpected(options.error());
  return Action{.run = [&manager = manager_, options = *options](sd_bus_message* reply) {
    return append_job(reply, manager.clear_mode(options));
  }};
}

ActionResult ManagerObject::list_devices(sd_bus_message*) {
  return Action{.run = [&manager = manager_](sd_bus_message* reply) -> CallResult {
    std::vector<ObjectPath> paths;
    for (const auto& [address, device] : manager.devices())
      paths.push_back({device_path(address)});
    return to_result(Wire<std::vector<ObjectPath>>::append(reply, paths));
  }};
}

ActionResult ManagerObject::get_device(sd_bus_message* call) {
  const char* text = nullptr;
  if (sd_bus_message_read(call, "s", &text) < 0)
    return std::unexpected(invalid_arguments("address: not readable"));
  const auto address = PciAddress::parse(text);
  if (!address || !manager_.devices().contains(*address)) return std::unexpected(no_such_device(text));
  return Action{.run = [address = *address](sd_bus_message* reply) {
    return to_result(Wire<ObjectPath>::append(reply, {device_path(address)}));
  }};
}

ActionResult ManagerObject::rescan(sd_bus_message*) {
  return Action{.run = [&manager = manager_](sd_bus_message*) -> CallResult {
    manager.rescan();
    return {};
  }};
}

ActionResult ManagerObject::reload(sd_bus_message*) {
  return Action{.run = [&manager = manager_](sd_bus_message*) -> CallResult {
    if (const auto done = manager.reload(); !done) return std::unexpected(to_call_error(done.error()));
    return {};
  }};
}

ActionResult ManagerObject::check(sd_bus_message*) {
  return Action{.run_later = [this](BusMessagePtr call) { return check_calls_.add(std::move(call)); }};
}

}  // namespace nvccd::dbus
