// Follows a job to its end. A job can end before the reply that names it is read, so listening begins first.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/connection.h"
#include "client/subscription.h"
#include "common/bus/mirror.h"

namespace nvccd::client {

// What is shown of a job while it runs; by itself nothing.
class Progress {
 public:
  virtual ~Progress() = default;
  // Whether update() is wanted every second and when the terminal has changed, too.
  virtual bool is_live() const { return false; }
  virtual void update(const JobView&, const std::vector<DeviceView>&) {}
  // Nothing of it is to remain on the screen.
  virtual void clear() {}
};

struct JobEnd {
  JobView job;                      // its state is done, failed or cancelled
  std::vector<DeviceView> devices;  // those of the job, as they are now
};

class JobFollower {
 public:
  explicit JobFollower(Connection& connection) : connection_(connection), subscription_(connection) {}

  // Before the call that starts the job.
  ClientResult<> start();

  // Waits until the job has ended. nullopt when the user did not want to wait any longer: the job goes on.
  ClientResult<std::optional<JobEnd>> follow(const std::string& path, Progress& progress);

  // The job as far as it is known.
  std::optional<JobView> job(const std::string& path) const { return mirror_.job(path); }

 private:
  std::vector<DeviceView> devices_of(const JobView& job) const;

  Connection& connection_;
  Subscription subscription_;
  Mirror mirror_;
};

}  // namespace nvccd::client
