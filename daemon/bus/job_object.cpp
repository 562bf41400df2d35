#include "daemon/bus/job_object.h"

#include <string>

#include "common/bus/error_name.h"
#include "daemon/bus/method.h"

namespace nvccd::dbus {
namespace {

using Object = JobObject;
using Job = JobSnapshot;

constexpr Property<Object> property_rows[] = {
    property<Object, constant>("Id", [](const Job& j) { return j.id; }),
    property<Object, constant>("Kind", [](const Job& j) { return std::string(to_string(j.kind)); }),
    property<Object>("Mode", [](const Job& j) { return std::string(j.mode ? to_string(*j.mode) : ""); }),
    property<Object>("Devices",
                     [](const Job& j) {
                       std::vector<ObjectPath> paths;
                       paths.reserve(j.devices.size());
                       for (const PciAddress& address : j.devices)
                         paths.push_back({device_path(address)});
                       return paths;
                     }),
    property<Object>("State", [](const Job& j) { return std::string(to_string(j.state)); }),
    property<Object>("Phase", [](const Job& j) { return std::string(to_string(j.phase)); }),
    property<Object>("Progress", [](const Job& j) { return j.progress; }),
    property<Object>("Error", [](const Job& j) { return j.error; }),
    property<Object>("ErrorName",
                     [](const Job& j) { return std::string(j.error_kind ? error_name(*j.error_kind) : ""); }),
};

constexpr sd_bus_vtable members[] = {
    SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT,
                            (method<Object, &Object::cancel, &Object::access_to_cancel>),
                            SD_BUS_VTABLE_UNPRIVILEGED),
};

constexpr auto table = make_vtable(members, property_rows);

}  // namespace

const sd_bus_vtable* JobObject::vtable() {
  return table.data();
}
std::span<const Property<JobObject>> JobObject::properties() {
  return property_rows;
}

Access JobObject::access_to_cancel() const {
  switch (published_.kind) {
    case JobKind::set_mode:
    case JobKind::clear_mode:
      return Access::set_mode;
    case JobKind::bind:
    case JobKind::unbind:
    case JobKind::reset:
      return Access::manage_devices;
  }
  std::unreachable();
}

ActionResult JobObject::cancel(sd_bus_message*) {
  return Action{.run = [manager = manager_, id = published_.id](sd_bus_message*) -> CallResult {
    if (const auto done = manager->cancel(id); !done) return std::unexpected(to_call_error(done.error()));
    return {};
  }};
}

}  // namespace nvccd::dbus
