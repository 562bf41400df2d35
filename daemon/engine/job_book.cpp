#include "daemon/engine/job_book.h"

#include <utility>

namespace nvccd {

const JobSnapshot* JobBook::find(JobId id) const {
  const auto position = jobs_.find(id);
  return position != jobs_.end() && !position->second.finished() ? &position->second : nullptr;
}

JobId JobBook::open(JobKind kind, std::optional<Mode> mode, std::vector<PciAddress> devices) {
  const JobId id = ++last_id_;
  jobs_[id] = JobSnapshot{.id = id,
                          .kind = kind,
                          .mode = mode,
                          .devices = std::move(devices),
                          .phase = kind == JobKind::reset ? JobPhase::reset : JobPhase::bind,
                          .error = {},
                          .error_kind = std::nullopt};
  new_.push_back(id);
  // The ends of older jobs are told first: an observer that hears of the new job before would take it for
  // older.
  replaced_.insert(replaced_.end(), closed_.begin(), closed_.end());
  closed_.clear();
  return id;
}

void JobBook::close(JobId id, JobState state, std::optional<ErrorKind> kind, const std::string& error) {
  update(id, [&](JobSnapshot& job) {
    job.state = state;
    job.error = error;
    job.error_kind = kind;
    if (state == JobState::done) job.progress = 1;
  });
  closed_.push_back(id);
}

void JobBook::tell_of_new(const std::vector<ManagerObserver*>& observers) {
  for (const JobId id : std::exchange(replaced_, {}))
    tell_of_end(id, observers);
  for (const JobId id : std::exchange(new_, {}))
    for (ManagerObserver* observer : observers)
      observer->job_added(id);
}

void JobBook::tell_of_changes(const std::vector<ManagerObserver*>& observers) {
  for (const JobId id : std::exchange(changed_, {}))
    for (ManagerObserver* observer : observers)
      observer->job_changed(id);
  for (const JobId id : std::exchange(closed_, {}))
    tell_of_end(id, observers);
}

void JobBook::tell_of_end(JobId id, const std::vector<ManagerObserver*>& observers) {
  for (ManagerObserver* observer : observers) {
    if (changed_.contains(id)) observer->job_changed(id);
    observer->job_removed(id);
  }
  changed_.erase(id);
  jobs_.erase(id);
}

}  // namespace nvccd
