#include "kubernetes/node-agent/agent.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace nvccd::agent {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

// How long operands may take to end. NVIDIA's CC manager waits this long for each of them.
constexpr Duration longest_wait_for_operands = 5min;
// A restart of nvccd is over within this time; an absence that lasts longer is more than a restart.
constexpr Duration longest_restart = 30s;

constexpr long conflict = 409;

std::string node_path(const std::string& node) {
  return "/api/v1/nodes/" + url_encoded(node);
}

// The new value of an operand's label depends on the old one, so it is only written to the version of the
// node that was read. The agent's own labels depend on nvccd alone.
std::string patch_text(const ObjectMeta& node, const Labels& labels) {
  Json metadata = {{"labels", labels}};
  if (std::ranges::any_of(labels, [](const auto& label) { return label.first.starts_with(deploy_prefix); }))
    metadata["resourceVersion"] = node.resource_version;
  return Json{{"metadata", metadata}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Agent::Agent(sd_event* event, Scheduler& scheduler, Clock& clock, ApiClient& api, LocalState& local,
             Settings settings)
    : scheduler_(scheduler),
      clock_(clock),
      api_(api),
      local_(local),
      settings_(std::move(settings)),
      events_(api, scheduler, clock, settings_.node) {
  node_watch_ = std::make_unique<ObjectWatch>(
      api, scheduler,
      ObjectWatch::Source{.path = "/api/v1/nodes",
                          .selector = "fieldSelector=" + url_encoded("metadata.name=" + settings_.node)},
      [this] { wake(); });
  nvccd_ = std::make_unique<NvccdLink>(
      event, scheduler, settings_.bus,
      NvccdLink::Handlers{.changed = [this] { nvccd_changed(); },
                          .job_ended = [this](const std::string& path,
                                              const client::JobView& job) { job_ended(path, job); }});
}

// Reconciles in a later turn of the loop, so that everything that has happened by then is seen at once.
void Agent::wake() {
  if (std::exchange(awake_, true)) return;
  scheduler_.post([this] {
    awake_ = false;
    reconcile();
  });
}

void Agent::reconcile() {
  if (transfer_ || retry_.waiting() || nvccd_->busy()) return;  // each calls reconcile() again when it ends
  const auto node = node_watch_->objects().find(settings_.node);
  if (node == node_watch_->objects().end()) return;
  follow_operands(node->second.labels);
  memory_ = on_wish(std::move(memory_), wish_of(node->second.labels));
  note_presence();
  const Situation now = situation(node->second);
  Decision decision = decide(now);
  events_.report(decision.notices);
  carry_out(node->second, std::move(decision));
}

// ---- what is known ----

Situation Agent::situation(const ObjectMeta& node) const {
  Situation now{.labels = node.labels, .presence = presence(), .label_modes = local_.label_modes()};
  if (pod_watch_) {
    const auto state = pod_watch_->state();
    now.pods = state == ObjectWatch::State::known     ? PodView::known
               : state == ObjectWatch::State::refused ? PodView::refused
                                                      : PodView::unknown;
    for (const auto& [name, pod] : pod_watch_->objects())
      for (const char* key : {"app", "name"})
        if (const auto label = pod.labels.find(key); label != pod.labels.end())
          now.running_apps.insert(label->second);
  }
  if (now.presence == Presence::present) now.nvccd = nvccd_->snapshot();
  now.nfd_writes_labels =
      node.nfd_labels.contains(mode_state_label) || node.nfd_labels.contains(ready_state_label);
  now.check = memory_.check;
  now.refusal = memory_.refusal;
  now.cancelled_job = memory_.cancelled_job;
  now.withdrawn = local_.withdrawn();
  now.waited_long_enough = memory_.waited_long_enough;
  return now;
}

Presence Agent::presence() const {
  const auto running = nvccd_->running();
  if (!running) return Presence::unknown;
  if (*running) return Presence::present;
  return memory_.nvccd_is_missing ? Presence::missing : Presence::absent;
}

void Agent::note_presence() {
  const auto running = nvccd_->running();
  if (running == true) {
    absence_timer_.reset();
    memory_ = on_devices(on_nvccd_present(std::move(memory_)), nvccd_->snapshot().devices);
  } else if (running == false) {
    memory_ = on_nvccd_absent(std::move(memory_));
    if (memory_.nvccd_is_missing || absence_timer_) return;
    absence_timer_ = scheduler_.after(longest_restart, [this] {
      memory_ = on_nvccd_missing(std::move(memory_));
      wake();
    });
  }
}

void Agent::follow_operands(const Labels& labels) {
  if (!has_gpu_operator(labels)) {
    pod_watch_.reset();
  } else if (!pod_watch_) {
    pod_watch_ = std::make_unique<ObjectWatch>(
        api_, scheduler_,
        ObjectWatch::Source{
            .path = "/api/v1/namespaces/" + url_encoded(settings_.operator_namespace) + "/pods",
            .selector = "fieldSelector=" + url_encoded("spec.nodeName=" + settings_.node)},
        [this] { wake(); });
  }
}

// ---- what is done ----

void Agent::carry_out(const ObjectMeta& node, Decision decision) {
  wait_for_operands(decision.awaits_operands);
  if (!keep_files(decision)) return pause();
  if (!decision.labels.empty()) return patch(node, decision.labels);
  if (!std::holds_alternative<std::monostate>(decision.call)) call(std::move(decision.call));
}

bool Agent::keep_files(const Decision& decision) {
  if (decision.forget_label_modes && !keep_label_modes({})) return false;
  if (!decision.withdrawn || *decision.withdrawn == local_.withdrawn()) return true;
  if (auto done = local_.set_withdrawn(*decision.withdrawn); !done) {
    spdlog::error("{}", done.error().message());
    return false;
  }
  spdlog::info(*decision.withdrawn ? "devices are withdrawn from the kubelet"
                                   : "devices are offered to the kubelet again");
  wake();
  return true;
}

void Agent::wait_for_operands(bool waiting) {
  if (!waiting) {
    operand_timer_.reset();
    memory_ = on_operands_not_awaited(std::move(memory_));
  } else if (!operand_timer_) {
    operand_timer_ = scheduler_.after(longest_wait_for_operands, [this] {
      memory_ = on_operands_awaited_long(std::move(memory_));
      wake();
    });
  }
}

void Agent::patch(const ObjectMeta& node, const Labels& labels) {
  if (!patches_.take(clock_.now())) return pause();
  std::string text = patch_text(node, labels);
  transfer_ =
      api_.patch_metadata(node_path(settings_.node) + "?fieldManager=nvccd-node-agent", std::move(text),
                          [this, before = node.labels, labels](const ApiResult<std::string>& body) {
                            patched(before, labels, body);
                          });
}

void Agent::patched(const Labels& before, const Labels& written, const ApiResult<std::string>& body) {
  const auto transfer = std::move(transfer_);
  if (!body) {
    if (body.error().status == conflict) return fetch_node();
    spdlog::log(label_trouble_.is_news(body.error().message) ? spdlog::level::warn : spdlog::level::debug,
                "cannot write the labels of node {}: {}; trying again", settings_.node, body.error().message);
    return pause(body.error().retry_after);
  }
  retry_.succeeded();
  label_trouble_.end();
  for (const auto& [label, value] : written)
    spdlog::info("{}={}", label, value);
  if (const auto mode = written.find(mode_state_label);
      mode != written.end() && mode->second != to_string(ModeState::failed)) {
    const auto was = before.find(mode_state_label);
    events_.record({.reason = "CCModeChanged",
                    .message = was == before.end() || was->second.empty()
                                   ? fmt::format("the mode is {}", mode->second)
                                   : fmt::format("the mode is {}, was {}", mode->second, was->second)});
  }
  if (auto object = parse_object(*body); object && object->name == settings_.node)
    node_watch_->learn(*std::move(object));
  wake();
}

// After a conflict: somebody else has changed the node, and what the agent has to write depends on how.
void Agent::fetch_node() {
  transfer_ = api_.get(node_path(settings_.node), [this](const ApiResult<std::string>& body) {
    const auto transfer = std::move(transfer_);
    auto object = body ? parse_object(*body) : std::unexpected(Error{.cause = body.error().message});
    if (!object || object->name != settings_.node) return pause();
    node_watch_->learn(*std::move(object));
    pause();
  });
}

void Agent::call(Call call) {
  if (const auto* set = std::get_if<SetMode>(&call)) {
    // Stored before the call: after a crash in between, the mode must not count as an administrator's.
    auto modes = local_.label_modes();
    modes.insert(set->mode);
    if (!keep_label_modes(std::move(modes))) return pause();
    spdlog::info("asking nvccd for mode {}", set->mode);
  } else if (const auto* cancel = std::get_if<CancelJob>(&call)) {
    spdlog::info("cancelling nvccd's job {}: the label asks for something else", cancel->id);
    memory_ = on_cancel(std::move(memory_), cancel->id);
  }
  nvccd_->call(call, [this, call](const CallResult& result) { called(call, result); });
}

void Agent::called(const Call& call, const CallResult& result) {
  if (const auto* check = std::get_if<CheckMode>(&call)) {
    memory_ = on_check_answered(std::move(memory_), check->change, result);
    if (!result && result.error().kind == CallError::Kind::passing) pause();
  } else if (const auto* set = std::get_if<SetMode>(&call)) {
    change_answered(*set, result);
  } else if (std::holds_alternative<ClearMode>(call)) {
    change_answered(ClearMode{}, result);
  }
  // The answer to CancelJob needs nothing: a job that cannot be cancelled any more ends by itself.
}

void Agent::change_answered(const Change& change, const CallResult& result) {
  memory_ = on_change_answered(std::move(memory_), change, result);
  if (result) {
    retry_.succeeded();
    // After ClearMode the old mode stays recorded as the label's until it is really gone.
    if (const auto* set = std::get_if<SetMode>(&change)) keep_label_modes({set->mode});
  } else if (result.error().kind == CallError::Kind::passing) {
    spdlog::warn("nvccd did not take the change of mode: {}; trying again", result.error().message);
    pause();
  }
}

bool Agent::keep_label_modes(std::set<std::string> modes) {
  const auto done = local_.set_label_modes(std::move(modes));
  if (!done) spdlog::error("{}", done.error().message());
  return done.has_value();
}

void Agent::job_ended(const std::string& path, const client::JobView& job) {
  const Memory before = memory_;
  memory_ = on_job_ended(before, path, job, nvccd_->snapshot().jobs);
  switch (end_of_job(before, path, job)) {
    case JobEnd::not_ours:
    case JobEnd::cancelled_by_us:
      break;
    case JobEnd::done:
      if (std::holds_alternative<ClearMode>(before.job->change)) keep_label_modes({});
      break;
    case JobEnd::failed:
      spdlog::warn("the change of mode has failed: {}", job.error);
      break;
    case JobEnd::cancelled:
      spdlog::warn("the change of mode has been cancelled: {}", job.error);
      nvccd_->refresh();
      break;
  }
}

void Agent::nvccd_changed() {
  if (!nvccd_->busy())
    memory_ = nvccd_->running() == true ? on_jobs_read(std::move(memory_), nvccd_->snapshot().jobs)
                                        : on_jobs_lost(std::move(memory_));
  wake();
}

void Agent::pause(std::optional<Duration> at_least) {
  retry_.later([this] { wake(); }, at_least.value_or(0s));
}

}  // namespace nvccd::agent
