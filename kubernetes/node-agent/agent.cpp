#include "kubernetes/node-agent/agent.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/bus/error_name.h"

namespace nvccd::agent {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

// How long operands may take to end; NVIDIA's CC manager waits as long for each.
constexpr Duration longest_wait_for_operands = 5min;
// A restart of nvccd is over by then.
constexpr Duration longest_restart = 30s;

constexpr long conflict = 409;

std::string node_path(const std::string& node) {
  return "/api/v1/nodes/" + url_encoded(node);
}

// Labels of operands depend on what they were, so they are only written to the version that was read. Our own
// depend on nvccd alone.
std::string patch_text(const ObjectMeta& node, const Labels& labels) {
  Json metadata = {{"labels", labels}};
  if (std::ranges::any_of(labels, [](const auto& label) { return label.first.starts_with(deploy_prefix); }))
    metadata["resourceVersion"] = node.resource_version;
  return Json{{"metadata", metadata}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// What nvccd will not do whatever we try; anything else is worth another try.
bool is_refusal(const std::string& name) {
  return name == SD_BUS_ERROR_ACCESS_DENIED || name == SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED ||
         name == dbus::error_name(ErrorKind::not_supported) ||
         name == dbus::error_name(ErrorKind::invalid_mode) ||
         name == dbus::error_name(ErrorKind::device_busy);
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
      NvccdLink::Handlers{.changed =
                              [this] {
                                settle_cancelled();
                                wake();
                              },
                          .job_ended = [this](const std::string& path,
                                              const client::JobView& job) { job_ended(path, job); }});
}

// Later, so that everything that has happened by then is seen at once.
void Agent::wake() {
  if (std::exchange(awake_, true)) return;
  scheduler_.post([this] {
    awake_ = false;
    reconcile();
  });
}

void Agent::reconcile() {
  if (transfer_ || retry_.waiting() || nvccd_->busy()) return;  // the end of each comes back here
  const auto node = node_watch_->objects().find(settings_.node);
  if (node == node_watch_->objects().end()) return;
  follow_operands(node->second.labels);
  note_wish(node->second.labels);
  const Situation now = situation(node->second);
  Decision decision = decide(now);
  events_.report(decision.notices);
  carry_out(node->second, std::move(decision));
}

// ---- what is known ----

Situation Agent::situation(const ObjectMeta& node) {
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
  if (now.presence == Presence::present) {
    now.nvccd = nvccd_->snapshot();
    note_devices(now.nvccd);
  }
  now.nfd_writes_labels =
      node.nfd_labels.contains(mode_state_label) || node.nfd_labels.contains(ready_state_label);
  now.check = check_;
  now.refusal = refusal_;
  now.cancelled_job = cancelled_job_;
  now.withdrawn = local_.withdrawn();
  now.waited_long_enough = waited_long_enough_;
  return now;
}

Presence Agent::presence() {
  const auto running = nvccd_->running();
  if (!running) return Presence::unknown;
  if (*running) {
    absence_timer_.reset();
    nvccd_is_missing_ = false;
    return Presence::present;
  }
  // Whoever comes back has forgotten what it was asked, and may think differently.
  check_.reset();
  refusal_.reset();
  our_job_.clear();
  cancelled_job_.reset();
  if (nvccd_is_missing_) return Presence::missing;
  if (!absence_timer_)
    absence_timer_ = scheduler_.after(longest_restart, [this] {
      nvccd_is_missing_ = true;
      wake();
    });
  return Presence::absent;
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

void Agent::note_wish(const Labels& labels) {
  Wish wish = wish_of(labels);
  if (wish == wish_) return;
  wish_ = std::move(wish);
  check_.reset();
  refusal_.reset();
  cancelled_.reset();
}

// With other devices, or once one is free, the answer may be another.
void Agent::note_devices(const client::Snapshot& nvccd) {
  std::set<std::string> devices;
  std::set<std::string> used;
  for (const auto& device : nvccd.devices) {
    devices.insert(device.address);
    if (device.in_use) used.insert(device.address);
  }
  if (devices != devices_) check_.reset();
  if (devices != devices_ || (refused_for_use_ && used != used_)) refusal_.reset();
  devices_ = std::move(devices);
  used_ = std::move(used);
}

// ---- what is done ----

void Agent::carry_out(const ObjectMeta& node, Decision decision) {
  wait_for_operands(decision.awaits_operands);
  if (!keep_files(decision)) return pause();
  if (!decision.labels.empty()) return patch(node, decision.labels);
  if (!std::holds_alternative<std::monostate>(decision.call)) call(std::move(decision.call));
}

bool Agent::keep_files(const Decision& decision) {
  if (decision.forget_label_modes)
    if (auto done = local_.set_label_modes({}); !done) {
      spdlog::error("{}", done.error().message());
      return false;
    }
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
    waited_long_enough_ = false;
  } else if (!operand_timer_) {
    operand_timer_ = scheduler_.after(longest_wait_for_operands, [this] {
      waited_long_enough_ = true;
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

// Somebody else has changed the node; what is to be written depends on how.
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
    // Before the call: a crash in between must not make the mode an administrator's.
    auto modes = local_.label_modes();
    modes.insert(set->mode);
    if (auto done = local_.set_label_modes(std::move(modes)); !done) {
      spdlog::error("{}", done.error().message());
      return pause();
    }
    spdlog::info("asking nvccd for mode {}", set->mode);
  } else if (const auto* cancel = std::get_if<CancelJob>(&call)) {
    spdlog::info("cancelling nvccd's job {}: the label asks for something else", cancel->id);
    cancelled_job_ = cancel->id;
  }
  nvccd_->call(call, [this, call](const CallResult& result) { called(call, result); });
}

void Agent::called(const Call& call, const CallResult& result) {
  if (const auto* check = std::get_if<CheckMode>(&call)) return check_answered(check->mode, result);
  if (const auto* set = std::get_if<SetMode>(&call)) return change_answered(set->mode, result);
  // That leaves CancelJob: a job that cannot be cancelled any more ends by itself.
  if (std::holds_alternative<ClearMode>(call)) change_answered("", result);
}

void Agent::refuse(const std::string& mode, const std::string& message, const std::string& error_name) {
  refusal_ = Refusal{.mode = mode, .message = message};
  refused_for_use_ = error_name == dbus::error_name(ErrorKind::device_busy);
}

void Agent::check_answered(const std::string& mode, const CallResult& result) {
  if (result.ok())
    check_ = Check{.mode = mode, .affects = result.affects};
  else if (is_refusal(result.error_name))
    refuse(mode, result.error_message, result.error_name);
  else
    pause();
}

void Agent::change_answered(const std::string& mode, const CallResult& result) {
  if (result.ok()) {
    our_job_ = result.job;
    our_mode_ = mode;
    retry_.succeeded();
    if (mode.empty()) return;  // it is the label's until it is really gone
    if (auto done = local_.set_label_modes({mode}); !done) spdlog::error("{}", done.error().message());
  } else if (is_refusal(result.error_name)) {
    refuse(mode, result.error_message, result.error_name);
  } else {
    spdlog::warn("nvccd did not take the change of mode: {}; trying again", result.error_message);
    pause();
  }
}

// nvccd goes back to the node mode it had when a change was cancelled, or turned out to be impossible.
// Asking again would only end in the same way.
void Agent::job_ended(const std::string& path, const client::JobView& job) {
  if (cancelled_ && is_mode_job(job) && job.id > cancelled_->newest_job) cancelled_.reset();
  if (path != our_job_) return;
  our_job_.clear();
  if (job.state == JobState::done) {
    if (!our_mode_.empty()) return;
    if (auto done = local_.set_label_modes({}); !done) spdlog::error("{}", done.error().message());
    return;
  }
  const bool was_cancelled = job.state != JobState::failed;
  if (was_cancelled && job.id == cancelled_job_) return;
  spdlog::warn("the change of mode has {}: {}", was_cancelled ? "been cancelled" : "failed", job.error);
  if (!was_cancelled) return refuse(our_mode_, job.error, job.error_name);
  cancelled_ = {.refusal = {.mode = our_mode_, .message = job.error}, .newest_job = job.id};
  for (const client::JobView& other : nvccd_->snapshot().jobs)
    cancelled_->newest_job = std::max(cancelled_->newest_job, other.id);
  nvccd_->refresh();
}

// nvccd cancels a change that waits also when it is asked for another one, and tells of that one only then.
void Agent::settle_cancelled() {
  if (!cancelled_ || nvccd_->busy()) return;
  const Cancelled cancelled = *std::exchange(cancelled_, std::nullopt);
  if (nvccd_->running() != true) return;
  const bool replaced = std::ranges::any_of(nvccd_->snapshot().jobs, [&](const client::JobView& job) {
    return is_mode_job(job) && job.id > cancelled.newest_job;
  });
  if (!replaced) refuse(cancelled.refusal.mode, cancelled.refusal.message, "");
}

void Agent::pause(std::optional<Duration> at_least) {
  retry_.later([this] { wake(); }, at_least.value_or(0s));
}

}  // namespace nvccd::agent
