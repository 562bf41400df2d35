// The loop of the agent: whatever happens, it looks at everything it knows, decides, and does the one next
// thing. What it does comes back as news, and so on until there is nothing to do.
#pragma once

#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/retry.h"
#include "common/base/scheduler.h"
#include "kubernetes/node-agent/api_client.h"
#include "kubernetes/node-agent/budget.h"
#include "kubernetes/node-agent/decision.h"
#include "kubernetes/node-agent/event_recorder.h"
#include "kubernetes/node-agent/local_state.h"
#include "kubernetes/node-agent/memory.h"
#include "kubernetes/node-agent/nvccd_link.h"
#include "kubernetes/node-agent/object_watch.h"

namespace nvccd::agent {

class Agent {
 public:
  struct Settings {
    std::string node;
    std::string operator_namespace;
    std::string bus;  // "": the system bus
  };

  // Everything runs on the loop of `event`. All references, and `event`, must outlive the agent.
  Agent(sd_event* event, Scheduler& scheduler, Clock& clock, ApiClient& api, LocalState& local,
        Settings settings);
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

 private:
  void wake();
  void reconcile();
  void follow_operands(const Labels& labels);
  void note_presence();
  Situation situation(const ObjectMeta& node) const;
  Presence presence() const;

  void carry_out(const ObjectMeta& node, Decision decision);
  bool keep_files(const Decision& decision);
  void wait_for_operands(bool waiting);
  void patch(const ObjectMeta& node, const Labels& labels);
  void patched(const Labels& before, const Labels& written, const ApiResult<std::string>& body);
  void fetch_node();
  void call(Call call);
  void called(const Call& call, const CallResult& result);
  void change_answered(const Change& change, const CallResult& result);
  bool keep_label_modes(std::set<std::string> modes);
  void job_ended(const std::string& path, const client::JobView& job);
  void nvccd_changed();
  void pause(std::optional<Duration> at_least = {});

  Scheduler& scheduler_;
  Clock& clock_;
  ApiClient& api_;
  LocalState& local_;
  const Settings settings_;

  EventRecorder events_;
  std::unique_ptr<ObjectWatch> node_watch_;
  std::unique_ptr<ObjectWatch> pod_watch_;  // while the node has the GPU operator
  std::unique_ptr<NvccdLink> nvccd_;

  Memory memory_;

  bool awake_ = false;       // reconcile() is on its way
  Retry retry_{scheduler_};  // after a failure nothing is tried until its delay is over
  // Somebody else may write the same labels; the agent must not overwrite them again and again without end.
  Budget patches_{30, std::chrono::seconds(2)};
  Trouble label_trouble_;
  HttpClient::TransferPtr transfer_;      // of a patch, or of the node after a conflict
  std::unique_ptr<Timer> operand_timer_;  // while operands are waited for
  std::unique_ptr<Timer> absence_timer_;  // runs since nvccd left the bus
};

}  // namespace nvccd::agent
