// Tells people through Events of the node ("kubectl describe node") and the log.
#pragma once

#include <deque>
#include <map>
#include <span>
#include <string>

#include "common/base/clock.h"
#include "common/base/retry.h"
#include "common/base/scheduler.h"
#include "kubernetes/node-agent/api_client.h"
#include "kubernetes/node-agent/budget.h"
#include "kubernetes/node-agent/decision.h"

namespace nvccd::agent {

class EventRecorder {
 public:
  EventRecorder(ApiClient& api, Scheduler& scheduler, Clock& clock, std::string node);
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  // The notices that hold now. Each is told once, and again only after it did not hold, or with another
  // message.
  void report(std::span<const Notice> notices);
  // Tells of something that has happened.
  void record(const Notice& notice);

 private:
  // An event that is in the cluster. When the same notice comes again, its count goes up and no new event is
  // sent.
  struct Sent {
    std::string name;
    std::string first_time;
    int count = 0;
  };

  void send_next();
  void answered(const ApiResult<std::string>& body);

  ApiClient& api_;
  Clock& clock_;
  const std::string node_;
  std::vector<Notice> current_;
  std::deque<Notice> queue_;
  std::map<std::string, Sent> sent_;  // by reason and message
  std::uint64_t last_name_ = 0;
  Budget budget_{20, std::chrono::minutes(1)};
  Retry retry_;
  Trouble refusal_;
  HttpClient::TransferPtr transfer_;
};

}  // namespace nvccd::agent
