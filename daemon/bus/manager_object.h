// /org/nvccd1 with the interface org.nvccd1.Manager.
#pragma once

#include <optional>
#include <string>

#include "common/base/event.h"
#include "common/bus/names.h"
#include "daemon/bus/authority.h"
#include "daemon/bus/call.h"
#include "daemon/bus/check_calls.h"
#include "daemon/engine/manager.h"

namespace nvccd::dbus {

class ManagerObject {
 public:
  struct Published {
    NodeState node;
    std::optional<JobId> current_job;
    bool operator==(const Published&) const = default;
  };

  ManagerObject(sd_bus* bus, Manager& manager, Authority& authority, CheckFunction check);
  ManagerObject(const ManagerObject&) = delete;
  ManagerObject& operator=(const ManagerObject&) = delete;

  // Registers the object. Negative errno on failure.
  int attach();

  // PropertiesChanged, if the manager's state differs from what was signalled last.
  void signal_changes();
  void announce_job(JobId id);
  void announce_job_end(JobId id, JobState result);

  Published published() const { return {manager_.node(), manager_.current_job()}; }
  Authority& authority() { return authority_; }

  // Method handlers.
  ActionResult set_mode(sd_bus_message* call);
  ActionResult clear_mode(sd_bus_message* call);
  ActionResult list_devices(sd_bus_message* call);
  ActionResult get_device(sd_bus_message* call);
  ActionResult rescan(sd_bus_message* call);
  ActionResult reload(sd_bus_message* call);
  ActionResult check(sd_bus_message* call);

 private:
  sd_bus* bus_;
  Manager& manager_;
  Authority& authority_;
  Published signalled_;
  CheckCalls check_calls_;
  BusSlotPtr slot_;
};

}  // namespace nvccd::dbus
