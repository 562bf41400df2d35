// nvccd's objects on a bus, with a manager that does what the lines of JSON on standard input say and tells
// on standard output what it was asked. For tests of what others do with nvccd.
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "common/base/event_scheduler.h"
#include "common/bus/error_name.h"
#include "daemon/bus/bus_service.h"
#include "tests/support/event_loop.h"
#include "tests/support/fake_manager.h"

namespace nvccd::test {
namespace {

using Json = nlohmann::json;

void tell(const Json& news) {
  std::cout << news.dump() << std::endl;
}

// A word of the story; one that there is not ends it.
template <WordedEnum Enum>
Enum word(const Json& command, const char* member, Enum otherwise) {
  return command.contains(member) ? parse_enum<Enum>(command[member].get<std::string>()).value() : otherwise;
}

ErrorKind error_kind(const Json& command) {
  return word(command, "kind", ErrorKind::hardware_failed);
}

// How nvccd's node follows its jobs, without devices that need time for it.
class ScriptedNode {
 public:
  ScriptedNode(sd_event* event, Scheduler& scheduler) : event_(event), scheduler_(scheduler) {
    manager_.appear(hopper_gpu("0000:65:00.0"));
    manager_.appear(hopper_gpu("0000:66:00.0"));
    manager_.change_node([](NodeState& node) {
      node.mode_state = ModeState::on;
      node.ready = true;
      node.host_confidential = HostConfidential::sev_snp;
    });
    manager_.on_new_job = [this](JobId id) { begin(id); };
    manager_.on_cancel = [this](JobId id) { cancel(id); };
  }

  Manager& manager() { return manager_; }

  void obey(const Json& command) {
    const std::string what = command.at("do");
    if (what == "hold")
      hold_ = command.at("value");
    else if (what == "auto")
      finish_by_itself_ = command.at("value");
    else if (what == "slow_cancel")
      cancels_at_once_ = !command.at("value");
    else if (what == "finish")
      finish(command);
    else if (what == "job")
      change_job(command);
    else if (what == "use")
      manager_.change_device(command.at("address"),
                             [&](DeviceSnapshot& device) { device.in_use = command.at("value"); });
    else if (what == "refuse")
      refuse(command);
    else if (what == "node")
      change_node(command);
    else if (what == "job_of_its_own")
      start_own_job();
    else if (what == "quit")
      sd_event_exit(event_, 0);
    tell({{"did", what}});
  }

 private:
  // A request of the bus has become a job.
  void begin(JobId id) {
    if (own_) return;
    const bool clearing = manager_.clear_mode_requests.size() > clear_requests_;
    clear_requests_ = manager_.clear_mode_requests.size();
    const bool dry_run = clearing ? manager_.clear_mode_requests.back().dry_run
                                  : manager_.set_mode_requests.back().options.dry_run;
    const NodeState& node = manager_.node();
    const Mode mode = clearing ? node.default_mode : manager_.set_mode_requests.back().mode;
    manager_.change_job(id, [&](JobSnapshot& job) {
      job.state = dry_run ? JobState::queued : JobState::running;
      job.phase = JobPhase::reset;
      if (clearing) job.mode.reset();
    });
    tell({{"call", clearing ? "ClearMode" : "SetMode"},
          {"mode", clearing ? "" : to_string(mode)},
          {"dry_run", dry_run}});
    if (dry_run) {
      scheduler_.post([this, id] { manager_.end_job(id, JobState::done); });
    } else {
      job_ = id;
      before_ = node;
      manager_.change_node([&](NodeState& changed) {
        changed.node_mode = clearing ? std::nullopt : std::optional(mode);
        changed.requested_mode = mode;
        changed.mode_state = ModeState::transitioning;
        changed.ready = false;
        changed.error.clear();
      });
      if (finish_by_itself_) scheduler_.post([this] { finish({{"state", "done"}}); });
    }
    if (hold_) wait_for_go();
  }

  void cancel(JobId id) {
    tell({{"cancel", id}});
    if (cancels_at_once_)
      finish({{"state", "cancelled"},
              {"kind", to_string(ErrorKind::cancelled)},
              {"error", "cancelled on request"},
              {"back", true}});
  }

  void finish(const Json& how) {
    const JobState state = word(how, "state", JobState::done);
    const Error error{.kind = error_kind(how), .cause = how.value("error", "it did not work")};
    if (how.value("back", false)) {
      // As nvccd does when nothing came of it: first the job, then what was before.
      manager_.end_job(job_, state, error);
      manager_.change_node([&](NodeState& node) { node = before_; });
    } else if (state == JobState::done) {
      manager_.change_node([](NodeState& node) {
        node.mode_state = to_mode_state(node.requested_mode);
        node.ready = node.requested_mode == Mode::on || node.requested_mode == Mode::ppcie;
      });
      manager_.end_job(job_, JobState::done);
    } else {
      manager_.change_node([&](NodeState& node) {
        node.mode_state = ModeState::failed;
        node.error = error.message();
      });
      manager_.end_job(job_, JobState::failed, error);
    }
    tell({{"job", to_string(state)}});
  }

  void change_job(const Json& command) {
    manager_.change_job(job_, [&](JobSnapshot& job) {
      job.state = word(command, "state", JobState::running);
      job.phase = word(command, "phase", JobPhase::reset);
    });
  }

  void start_own_job() {
    own_ = true;
    job_ = manager_.start_job({.mode = manager_.node().requested_mode, .state = JobState::running});
    own_ = false;
  }

  void refuse(const Json& command) {
    if (command.contains("kind"))
      manager_.refusal = Error{.kind = error_kind(command), .cause = command.at("message")};
    else
      manager_.refusal.reset();
  }

  void change_node(const Json& command) {
    manager_.change_node([&](NodeState& node) {
      node.mode_state = word(command, "mode_state", node.mode_state);
      if (command.contains("ready")) node.ready = command["ready"];
      if (command.contains("error")) node.error = command["error"];
      if (command.contains("node_mode")) node.node_mode = parse_enum<Mode>(std::string(command["node_mode"]));
      node.requested_mode = word(command, "requested_mode", node.requested_mode);
    });
  }

  void wait_for_go() {
    tell({{"held", true}});
    std::string line;
    std::getline(std::cin, line);
  }

  sd_event* event_;
  Scheduler& scheduler_;
  FakeManager manager_;
  NodeState before_;
  JobId job_ = 0;
  std::size_t clear_requests_ = 0;
  bool hold_ = false;
  bool own_ = false;
  bool finish_by_itself_ = true;
  bool cancels_at_once_ = true;
};

int on_input(sd_event_source* source, int, std::uint32_t, void* node) {
  std::string line;
  do {
    if (!std::getline(std::cin, line)) return sd_event_exit(sd_event_source_get_event(source), 0);
    static_cast<ScriptedNode*>(node)->obey(Json::parse(line));
  } while (std::cin.rdbuf()->in_avail() > 0);
  return 0;
}

int serve(const std::string& address) {
  const EventPtr event = new_event_loop();
  const auto scheduler = EventScheduler::create(event.get());
  ScriptedNode node(event.get(), **scheduler);
  const auto service = BusService::create(event.get(), address, node.manager(), {});
  if (!service) {
    fmt::print(stderr, "{}\n", service.error().message());
    return 1;
  }
  sd_event_source* source = nullptr;
  if (sd_event_add_io(event.get(), &source, STDIN_FILENO, EPOLLIN, on_input, &node) < 0) return 1;
  const EventSourcePtr input(source);
  tell({{"ready", true}});
  return sd_event_loop(event.get()) < 0 ? 1 : 0;
}

}  // namespace
}  // namespace nvccd::test

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  return argc == 2 ? nvccd::test::serve(argv[1]) : 2;
}
