// The books of all jobs: their numbers, what is shown of each, and what observers have yet to be told.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "daemon/engine/manager.h"

namespace nvccd {

class JobBook {
 public:
  const std::map<JobId, JobSnapshot>& jobs() const { return jobs_; }
  // nullptr: there is no such job, or it has ended.
  const JobSnapshot* find(JobId id) const;

  JobId open(JobKind kind, std::optional<Mode> mode, std::vector<PciAddress> devices);

  template <typename Change>
  void update(JobId id, Change change) {
    JobSnapshot& job = jobs_.at(id);
    const JobSnapshot before = job;
    change(job);
    if (job != before) changed_.insert(id);
  }

  void close(JobId id, JobState state, std::optional<ErrorKind> kind = {}, const std::string& error = {});

  // Tell what has happened since the last call, in two parts: what observers hear before its consequences,
  // and what they hear after. A job that has ended can be looked up until its end was told.
  void tell_of_new(const std::vector<ManagerObserver*>& observers);
  void tell_of_changes(const std::vector<ManagerObserver*>& observers);

 private:
  void tell_of_end(JobId id, const std::vector<ManagerObserver*>& observers);

  std::map<JobId, JobSnapshot> jobs_;
  JobId last_id_ = 0;
  std::vector<JobId> new_;
  std::set<JobId> changed_;
  std::vector<JobId> closed_;
  std::vector<JobId> replaced_;  // closed before one of new_ was opened; their end is told first
};

}  // namespace nvccd
