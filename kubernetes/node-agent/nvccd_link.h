// nvccd as this agent sees it over D-Bus: a copy of its state that follows its signals, and its methods.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/event.h"
#include "common/base/retry.h"
#include "common/base/scheduler.h"
#include "common/bus/mirror.h"
#include "kubernetes/node-agent/call_result.h"
#include "kubernetes/node-agent/decision.h"

namespace nvccd::agent {

class NvccdLink {
 public:
  struct Handlers {
    std::function<void()> changed;  // snapshot() or running() has changed
    std::function<void(const std::string& job, const client::JobView&)> job_ended;
  };
  using Answered = std::function<void(const CallResult&)>;

  // `address` empty: the system bus. Runs on the event loop, which together with `scheduler` must outlive it.
  // The connection to a bus that is not there is tried again.
  NvccdLink(sd_event* event, Scheduler& scheduler, std::string address, Handlers handlers);
  ~NvccdLink();
  NvccdLink(const NvccdLink&) = delete;
  NvccdLink& operator=(const NvccdLink&) = delete;

  // nullopt: not known yet.
  std::optional<bool> running() const { return running_; }
  // While nvccd runs: its state as of the last signal.
  client::Snapshot snapshot() const { return mirror_.snapshot(); }

  // One call at a time. `answered` is called before any later signal. A daemon that does not run is not
  // started.
  void call(const Call& call, Answered answered);
  // Reads the state anew: the answer has what nvccd has done by now, whether or not its signals have come.
  void refresh();
  // A call is under way, or the state is being read anew.
  bool busy() const { return busy_; }

 private:
  void open();
  int connect();
  void disconnected(int error);
  void fetch();
  void fetched(sd_bus_message* reply);
  void set_running(bool running);
  void call_answered(sd_bus_message* reply);
  void end_call(const CallResult& result);
  void note(sd_bus_message* message);
  void note_owner(const client::OwnerChanged& owner);
  BusMessagePtr new_call(const char* path, const char* interface, const char* member);
  template <auto handler>
  int follow(BusSlotPtr& slot, const char* match);
  template <auto answered>
  bool send(const BusMessagePtr& message, BusSlotPtr& slot);
  void manager_read(sd_bus_message* reply);
  void bus_closed();

  EventPtr event_;
  Scheduler& scheduler_;
  const std::string address_;
  const Handlers handlers_;
  Retry retry_{scheduler_};
  Trouble bus_trouble_;
  std::unique_ptr<Timer> closing_;  // of a connection that has failed
  BusPtr bus_;
  BusSlotPtr signals_, owner_, closed_, manager_reply_, objects_reply_, answer_;
  client::Mirror mirror_;
  bool manager_is_known_ = false;  // of the state that is being fetched
  std::optional<bool> running_;
  Answered answered_;  // of the call under way
  bool busy_ = false;
};

}  // namespace nvccd::agent
