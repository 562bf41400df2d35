// /org/nvccd1/job/<id> with the interface org.nvccd1.Job.
#pragma once

#include <span>
#include <utility>

#include "common/bus/names.h"
#include "daemon/bus/authority.h"
#include "daemon/bus/call.h"
#include "daemon/bus/property.h"
#include "daemon/engine/manager.h"

namespace nvccd::dbus {

class JobObject {
 public:
  static constexpr const char* interface = job_interface;
  static const sd_bus_vtable* vtable();
  static std::span<const Property<JobObject>> properties();

  JobObject(Manager& manager, Authority& authority, JobSnapshot job)
      : manager_(&manager), authority_(&authority), published_(std::move(job)) {}

  const JobSnapshot& published() const { return published_; }
  void publish(const JobSnapshot& job) { published_ = job; }
  Authority& authority() { return *authority_; }

  // Method handler, and the access that it needs: that of beginning such a job.
  ActionResult cancel(sd_bus_message* call);
  Access access_to_cancel() const;

 private:
  Manager* manager_;
  Authority* authority_;
  JobSnapshot published_;
};

}  // namespace nvccd::dbus
