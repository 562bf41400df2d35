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
  bool hangs = false;                    // it fired: nobody waits for that worker any more
  bool look_again = false;               // something happened meanwhile
  bool changing = false;                 // a worker of a transition or of a device job has it
  bool needs_change = false;             // the last look could read it, and it is not in the desired mode
  // Openings minus closings of its VFIO nodes while a worker of ours had it; ours are balanced.
  int open_balance = 0;
  bool let_go = false;  // there was a closing among them

  bool ours() const { return looking || changing; }

  // Something else is wanted of it now; until a look has shown that it is so, it is not ready.
  void set_desired(bool now_managed, Mode mode);

  void take_facts(const DeviceFacts& facts);

  // What a look found, from facts to state.
  void take_look(const LookResult& result);

  void take_error(DeviceState state, const Error& error);
  void clear_error();
};

}  // namespace nvccd
