// Follows a job to its end. A job can end before the reply that names it is read, so listening begins first.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "client/connection.h"
#include "client/subscription.h"

namespace nvccd::client {

class JobFollower {
 public:
  explicit JobFollower(Connection& connection) : connection_(connection), subscription_(connection) {}

  // Before the call that starts the job.
  ClientResult<> start() { return subscription_.start(); }

  // Waits until the job has ended; `progress` is called with every change of it. Its state is then "done",
  // "failed" or "cancelled".
  ClientResult<JobView> follow(const std::string& path, const std::function<void(const JobView&)>& progress);

 private:
  void look_up(const std::string& path);

  Connection& connection_;
  Subscription subscription_;
  std::map<std::string, PropertyMap> jobs_;
};

}  // namespace nvccd::client
