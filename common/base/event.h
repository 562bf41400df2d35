// Owning handles for the objects of sd-event and sd-bus.
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <memory>

#include "common/base/c_boundary.h"

namespace nvccd {

using EventPtr = std::unique_ptr<sd_event, CallDeleter<sd_event_unref>>;
// Disabled before it is released: a source that the loop still refers to never fires into a dead object.
using EventSourcePtr = std::unique_ptr<sd_event_source, CallDeleter<sd_event_source_disable_unref>>;

using BusPtr = std::unique_ptr<sd_bus, CallDeleter<sd_bus_flush_close_unref>>;
using BusSlotPtr = std::unique_ptr<sd_bus_slot, CallDeleter<sd_bus_slot_unref>>;
using BusMessagePtr = std::unique_ptr<sd_bus_message, CallDeleter<sd_bus_message_unref>>;

// A further reference to an object that somebody else refers to as well.
inline EventPtr share(sd_event* event) {
  return EventPtr(sd_event_ref(event));
}
inline BusMessagePtr share(sd_bus_message* message) {
  return BusMessagePtr(sd_bus_message_ref(message));
}

// An sd_bus_error on the stack that frees its content.
class BusError {
 public:
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { sd_bus_error_free(&error_); }

  sd_bus_error* get() { return &error_; }
  const char* name() const { return error_.name ? error_.name : ""; }
  const char* message() const { return error_.message ? error_.message : ""; }

 private:
  sd_bus_error error_{};
};

}  // namespace nvccd
