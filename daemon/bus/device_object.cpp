#include "daemon/bus/device_object.h"

#include <string>

#include "daemon/bus/method.h"

namespace nvccd::dbus {
namespace {

using Object = DeviceObject;
using Device = DeviceSnapshot;

constexpr Property<Object> property_rows[] = {
    property<Object, constant>("Address", [](const Device& d) { return to_string(d.address); }),
    property<Object, constant>("Kind", [](const Device& d) { return std::string(to_string(d.kind)); }),
    property<Object, constant>("VendorId", [](const Device& d) { return d.vendor_id; }),
    property<Object, constant>("DeviceId", [](const Device& d) { return d.device_id; }),
    property<Object>("Name", [](const Device& d) { return d.name; }),
    property<Object>("Architecture", [](const Device& d) { return std::string(to_string(d.architecture)); }),
    property<Object>("SupportedModes",
                     [](const Device& d) {
                       std::vector<std::string> modes;
                       modes.reserve(d.supported_modes.size());
                       for (const Mode mode : d.supported_modes)
                         modes.emplace_back(to_string(mode));
                       return modes;
                     }),
    property<Object>("Driver", [](const Device& d) { return d.driver; }),
    property<Object>("IommuGroup", [](const Device& d) { return std::int32_t{d.iommu_group.value_or(-1)}; }),
    property<Object>("VfioGroup", [](const Device& d) { return d.vfio_group; }),
    property<Object>("VfioDevice", [](const Device& d) { return d.vfio_device; }),
    property<Object>("NumaNode", [](const Device& d) { return std::int32_t{d.numa_node.value_or(-1)}; }),
    property<Object>("Mode", [](const Device& d) { return std::string(to_string(d.mode)); }),
    property<Object>(
        "RequestedMode",
        [](const Device& d) { return std::string(d.requested_mode ? to_string(*d.requested_mode) : ""); }),
    property<Object>("State", [](const Device& d) { return std::string(to_string(d.state)); }),
    property<Object>("InUse", [](const Device& d) { return d.in_use; }),
    property<Object>("Error", [](const Device& d) { return d.error; }),
};

constexpr sd_bus_vtable members[] = {
    SD_BUS_METHOD_WITH_ARGS("Bind", SD_BUS_NO_ARGS, SD_BUS_RESULT("o", job),
                            (method<Object, &Object::bind, Access::manage_devices>),
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Unbind", SD_BUS_NO_ARGS, SD_BUS_RESULT("o", job),
                            (method<Object, &Object::unbind, Access::manage_devices>),
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Reset", SD_BUS_NO_ARGS, SD_BUS_RESULT("o", job),
                            (method<Object, &Object::reset, Access::manage_devices>),
                            SD_BUS_VTABLE_UNPRIVILEGED),
};

constexpr auto table = make_vtable(members, property_rows);

}  // namespace

const sd_bus_vtable* DeviceObject::vtable() {
  return table.data();
}
std::span<const Property<DeviceObject>> DeviceObject::properties() {
  return property_rows;
}

ActionResult DeviceObject::bind(sd_bus_message*) {
  return prepare(&Manager::bind);
}
ActionResult DeviceObject::unbind(sd_bus_message*) {
  return prepare(&Manager::unbind);
}
ActionResult DeviceObject::reset(sd_bus_message*) {
  return prepare(&Manager::reset);
}

ActionResult DeviceObject::prepare(Request request) const {
  return Action{.run = [manager = manager_, request, address = published_.address](
                           sd_bus_message* reply) { return append_job(reply, (manager->*request)(address)); },
                .details = {{"device", to_string(published_.address)}}};
}

}  // namespace nvccd::dbus
