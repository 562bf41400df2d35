#include "client/job_follower.h"

#include "dbus/names.h"

namespace nvccd::client {

// For a job that was there before we listened. That it is gone, or the daemon, is not an error here: the
// signal that says so is on its way.
void JobFollower::look_up(const std::string& path) {
  if (auto properties = connection_.properties(path, dbus::job_interface))
    jobs_[path] = std::move(*properties);
}

ClientResult<JobView> JobFollower::follow(const std::string& path,
                                          const std::function<void(const JobView&)>& progress) {
  look_up(path);
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
