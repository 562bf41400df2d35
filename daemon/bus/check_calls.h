// The calls of Check: a run of the preflight checks takes its time, and its findings are for everybody who
// asks meanwhile.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "common/base/event.h"
#include "common/model/finding.h"
#include "daemon/bus/call.h"

namespace nvccd::dbus {

// Starts the checks and returns; calls `done` once, on the loop's thread, at once or later.
using CheckFunction = std::function<void(std::function<void(Findings)> done)>;

// Runs on the event loop's thread.
class CheckCalls {
 public:
  explicit CheckCalls(CheckFunction check) : check_(std::move(check)) {}

  // Answers the call when the findings are there. Refused when too many wait already.
  CallResult add(BusMessagePtr call);

 private:
  void answer(const Findings& findings);

  CheckFunction check_;
  std::vector<BusMessagePtr> waiting_;  // not empty: the checks run
  std::shared_ptr<CheckCalls*> self_ =
      std::make_shared<CheckCalls*>(this);  // expires with this object: a run may end later
};

}  // namespace nvccd::dbus
