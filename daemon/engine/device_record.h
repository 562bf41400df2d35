// What the engine keeps of each device: what the kernel says it is, what is wanted of it, and its life.
#pragma once

#include <memory>
#include <vector>

#include "common/base/scheduler.h"
#include "common/model/device.h"
#include "daemon/engine/device_life.h"
#include "daemon/engine/look.h"

namespace nvccd {

// Whether nvccd cares for a device.
enum class Care {
  managed,
  excluded,  // by the settings
  released,  // by unbind, until bind
};

struct DeviceRecord {
  std::uint64_t incarnation = 0;  // of this card at this address
  DeviceFacts facts;
  Architecture architecture = Architecture::unknown;
  std::vector<Mode> supported_modes;
  Care care = Care::managed;
  std::shared_ptr<Permission> permission = std::make_shared<Permission>();
  Mode desired = Mode::off;  // meaningless unless managed
  DeviceLife life;
  std::unique_ptr<Timer> look_patience;  // runs while the other devices wait for a look
  std::unique_ptr<Timer> look_pause;     // runs after a look for which there was no thread
  unsigned looks_in_vain = 0;            // looks without a thread, in a row
  std::unique_ptr<Timer> work_deadline;  // fires when the worker should have been back long ago
  std::unique_ptr<Timer> recheck;        // runs while the holder is one who was not seen to come

  bool managed() const { return care == Care::managed; }
  bool right() const { return life.trusted() == desired; }
  // The device could be read, is not in the desired mode, and nobody has it.
  bool needs_change() const;
  bool busy() const { return managed() && life.holder() != nullptr && !right(); }
  bool needs_look() const { return managed() && life.needs_look(); }
  // Why the device is failed; nullptr: it is not.
  const Error* failure() const;
  const Broken* broken() const { return std::get_if<Broken>(&life.known()); }
  bool has_node(const std::string& node) const {
    return !node.empty() && (facts.vfio_group == node || facts.vfio_device == node);
  }

  void happen(const Event& event) { life = life.on(event); }
  // Sets what is wanted of the device from now on.
  void want(Care now, Mode mode);
};

// The error that says that somebody has the device's VFIO node open.
Error in_use_through(const std::string& node, const PciAddress& address);

// What everybody outside the engine is told. The only way from a record to a snapshot. `binds`: looks bind
// devices.
DeviceSnapshot project(const PciAddress& address, const DeviceRecord& record, bool binds);

}  // namespace nvccd
