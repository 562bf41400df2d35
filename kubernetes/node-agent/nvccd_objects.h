// A copy of nvccd's objects on the bus: read once, then kept up by its signals.
#pragma once

#include <systemd/sd-bus.h>

#include <string>

#include "common/bus/managed_objects.h"
#include "common/bus/views.h"

namespace nvccd::agent {

class NvccdObjects {
 public:
  // From the answers to GetAll of the manager and to GetManagedObjects. False, and nothing is kept, when an
  // answer is an error or not as it should be.
  bool read_manager(sd_bus_message* answer);
  bool read_others(sd_bus_message* answer);
  void clear();

  // True when it was a signal that changes an object.
  bool note(sd_bus_message* signal);

  client::Snapshot snapshot() const;
  // A job that is not known affects devices, as far as anybody knows.
  bool affects_devices(const std::string& job) const;
  // The last that was heard of a job, which is forgotten.
  client::JobView take_job(const std::string& path);

 private:
  bool note_added(sd_bus_message* signal);
  bool note_removed(sd_bus_message* signal);
  bool note_changed(sd_bus_message* signal);

  client::PropertyMap manager_;
  client::ManagedObjects objects_;
};

}  // namespace nvccd::agent
