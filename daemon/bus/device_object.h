// /org/nvccd1/device/<address> with the interface org.nvccd1.Device.
#pragma once

#include <span>
#include <utility>

#include "common/bus/names.h"
#include "daemon/bus/authority.h"
#include "daemon/bus/call.h"
#include "daemon/bus/property.h"
#include "daemon/engine/manager.h"

namespace nvccd::dbus {

class DeviceObject {
 public:
  static constexpr const char* interface = device_interface;
  static const sd_bus_vtable* vtable();
  static std::span<const Property<DeviceObject>> properties();

  DeviceObject(Manager& manager, Authority& authority, DeviceSnapshot device)
      : manager_(&manager), authority_(&authority), published_(std::move(device)) {}

  const DeviceSnapshot& published() const { return published_; }
  void publish(const DeviceSnapshot& device) { published_ = device; }
  Authority& authority() { return *authority_; }

  // Method handlers.
  ActionResult bind(sd_bus_message* call);
  ActionResult unbind(sd_bus_message* call);
  ActionResult reset(sd_bus_message* call);

 private:
  using Request = Result<JobId> (Manager::*)(const PciAddress&);
  ActionResult prepare(Request request) const;

  Manager* manager_;
  Authority* authority_;
  DeviceSnapshot published_;
};

}  // namespace nvccd::dbus
