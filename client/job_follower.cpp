#include "client/job_follower.h"

#include "dbus/names.h"

namespace nvccd::client {

// For a job that was there before we listened. One that has gone since has left the signal of its end.
ClientResult<> JobFollower::look_up(const std::string& path) {
  auto properties = connection_.properties(path, dbus::job_interface);
  if (properties) {
    jobs_[path] = std::move(*properties);
    return {};
  }
  if (properties.error().name == SD_BUS_ERROR_UNKNOWN_OBJECT) return {};
  return std::unexpected(properties.error());
}

ClientResult<JobView> JobFollower::follow(const std::string& path,
                                          const std::function<void(const JobView&)>& progress) {
  if (const auto found = look_up(path); !found) return std::unexpected(found.error());
  for (;;) {
    if (jobs_.contains(path)) progress(to_job(jobs_[path]));
    auto event = subscription_.next();
    if (!event) return std::unexpected(event.error());
    if (event->kind == BusEvent::Kind::daemon_stopped)
      return std::unexpected(
          ClientError{SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                      "nvccd stopped before the change was complete; when it starts again it "
                      "looks at the devices and does what is left to do"});
    if (event->path != path) continue;
    if (event->kind == BusEvent::Kind::changed)
      for (auto& [name, value] : event->properties)
        jobs_[path].insert_or_assign(name, std::move(value));
    if (event->kind != BusEvent::Kind::job_ended) continue;
    JobView job = to_job(jobs_[path]);
    job.state = event->result;
    return job;
  }
}

}  // namespace nvccd::client
