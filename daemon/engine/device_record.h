// What the engine keeps of each device between events: what it told the world, and what it is doing with it.
#pragma once

#include "base/scheduler.h"
#include "engine/look.h"
#include "model/device.h"

namespace nvccd {

struct DeviceRecord {
  DeviceSnapshot snapshot;
  std::optional<ErrorKind> error_kind;  // of snapshot.error
  bool managed = true;
  Mode desired = Mode::off;
  // The mode in which it was found right; nobody but the one who holds it now can have changed that since.
  std::optional<Mode> verified;
  bool released = false;                 // given back with unbind, until bind
  bool looking = false;                  // a worker looks at it
  std::unique_ptr<Timer> look_patience;  // runs while the other devices wait for that look
  std::unique_ptr<Timer> look_deadline;  // fires when the worker must have been back long ago
  bool hangs = false;                    // the worker that has it was given up, and may still come back
  bool look_again = false;               // something happened meanwhile
  bool changing = false;                 // a worker of a transition or of a device job has it
  bool needs_change = false;             // the last look could read it, and it is not in the desired mode
  bool driver_event = false;             // udev told of its driver while it was ours
  bool out_of_step = false;              // the next look may reset it, as its firmware answered out of turn
  bool seen_open = false;                // the one who has it now was seen to open it
  std::unique_ptr<Timer> recheck;        // runs while it is in use by one who was not seen to come

  bool ours() const { return looking || changing; }
  bool left_alone() const { return !managed || released; }
  bool has_node(const std::string& node) const {
    return !node.empty() && (snapshot.vfio_group == node || snapshot.vfio_device == node);
  }

  // Something else is wanted of it now; until a look has shown that it is so, it is not ready.
  void set_desired(bool now_managed, Mode mode);

  void take_facts(const DeviceFacts& facts);

  // What a look found, from facts to state.
  void take_look(const LookResult& result);

  // It was changed to this mode, and verified in it.
  void take_change(Mode mode);

  // Something has happened to it: nothing is known of its mode until it was looked at again.
  void doubt(DeviceState state = DeviceState::discovered);

  // Of a device that is left alone nothing is said.
  void take_error(DeviceState state, const Error& error);
  void clear_error();

 private:
  void leave_alone();
};

}  // namespace nvccd
