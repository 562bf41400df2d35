#include "kubernetes/node-agent/decision.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/model/mode.h"

namespace nvccd::agent {
namespace {

std::string_view value_of(const Labels& labels, std::string_view key) {
  const auto place = labels.find(key);
  return place == labels.end() ? std::string_view() : std::string_view(place->second);
}

bool is_mode(std::string_view text) {
  return parse_enum<Mode>(text).has_value();
}

// The job that sets the node's mode; one that runs rather than one that waits.
const client::JobView* mode_job(const client::Snapshot& nvccd) {
  const client::JobView* found = nullptr;
  for (const client::JobView& job : nvccd.jobs)
    if (is_mode_job(job))
      if (found == nullptr || job.state != JobState::waiting) found = &job;
  return found;
}

// Once a device was reset the job has to go on.
bool can_be_cancelled(const client::JobView& job) {
  return job.state == JobState::running &&
         (job.phase == JobPhase::evict || job.phase == JobPhase::bind || job.phase == JobPhase::stage);
}

// Which part of the decision each function below makes is in its name; they share the situation.
class Decider {
 public:
  explicit Decider(const Situation& situation) : s_(situation), wish_(wish_of(situation.labels)) {}

  Decision decide() {
    if (s_.nfd_writes_labels) second_writer();
    if (other_cc_manager()) return std::move(d_);
    switch (s_.presence) {
      case Presence::unknown:
        break;
      case Presence::absent:
        write(ready_state_label, "false");
        break;
      case Presence::missing:
        nvccd_is_missing();
        break;
      case Presence::present:
        change_mode();
        tell_state();
        break;
    }
    return std::move(d_);
  }

 private:
  // ---- somebody else's node ----

  void second_writer() {
    d_.notices.push_back(
        {"LabelsWrittenTwice",
         fmt::format(
             "node-feature-discovery writes {} and {} of this node too, from nvccd's feature file: set "
             "node_features = false in the section [kubernetes] of /etc/nvccd/nvccd.toml, and "
             "reload nvccd",
             mode_state_label, ready_state_label),
         true});
  }

  // True: nothing else may be done, or nobody knows yet.
  bool other_cc_manager() {
    if (!has_gpu_operator(s_.labels)) return false;
    const std::string_view deployed = value_of(s_.labels, cc_manager_label);
    if (!deployed.empty() && deployed != "false")
      d_.notices.push_back({"CCManagerActive",
                            fmt::format("this node belongs to NVIDIA's CC manager ({}={}), so nvccd does not "
                                        "follow {}; set it to false to hand the node over",
                                        cc_manager_label, deployed, mode_label),
                            true});
    else if (s_.running_apps.contains(std::string(cc_manager_app)))
      d_.notices.push_back({"CCManagerActive",
                            "NVIDIA's CC manager still runs on this node; nvccd takes over when it has ended",
                            true});
    else
      return s_.pods == PodView::unknown;
    let_go();
    return true;
  }

  // The operands that we have paused are ours to restore; without the withdrawal they are not ours.
  void let_go() {
    if (s_.withdrawn) d_.labels = to_restore(s_.labels);
    if (d_.labels.empty()) d_.withdrawn = false;
  }

  // ---- nvccd is not there ----

  void nvccd_is_missing() {
    write(ready_state_label, "false");
    write(mode_state_label, to_string(ModeState::failed));
    end_of_change();
    d_.notices.push_back({"NvccdNotRunning",
                          "nvccd does not run on this node, so the mode of its devices is not known; see "
                          "\"systemctl status nvccd\"",
                          true});
  }

  // ---- the change ----

  // What leads to the node mode that the label asks for; nullopt when it is set already.
  std::optional<Change> wanted() {
    const std::string& node_mode = s_.nvccd.node.node_mode.text;
    switch (wish_.kind) {
      case Wish::Kind::mode:
        if (wish_.value == node_mode) return std::nullopt;
        return SetMode{wish_.value};
      case Wish::Kind::none:
        // Only a mode that the label has set goes with the label.
        if (s_.label_modes.contains(node_mode)) return ClearMode{};
        d_.forget_label_modes = !s_.label_modes.empty();
        return std::nullopt;
      case Wish::Kind::invalid:
        break;
    }
    return std::nullopt;
  }

  void change_mode() {
    const client::JobView* job = mode_job(s_.nvccd);
    const auto change = wanted();
    refused_ = change && s_.refusal && s_.refusal->change == *change;
    if (!change || refused_) {
      const bool ours = job != nullptr && (s_.withdrawn || !to_restore(s_.labels).empty());
      if (!ours) return end_of_change();
      change_is_running(*job);
    } else {
      begin_change(*change, job);
    }
  }

  void begin_change(const Change& change, const client::JobView* job) {
    const bool begun = s_.withdrawn || !to_restore(s_.labels).empty();
    if (!begun)
      if (const std::string label = paused_by_others(s_.labels); !label.empty()) {
        d_.notices.push_back(
            {"CCModePostponed", fmt::format("the change of mode waits: {} says that another change of this "
                                            "node is under way",
                                            label)});
        return;
      }
    // A job that still waits for a device is replaced by the next call.
    if (job != nullptr && job->state != JobState::waiting) {
      if (can_be_cancelled(*job) && s_.cancelled_job != job->id) d_.call = CancelJob{job->id};
      return;
    }
    if (!s_.check || s_.check->change != change) {
      d_.call = CheckMode{change};
      return;
    }
    if (s_.check->affects) {
      tell_change(change);
      if (!made_way()) return;
    }
    std::visit([&](const auto& call) { d_.call = call; }, change);
  }

  void tell_change(const Change& change) {
    const auto* set = std::get_if<SetMode>(&change);
    d_.notices.push_back({"CCModeChanging", set != nullptr
                                                ? fmt::format("changing the mode to {}", set->mode)
                                                : fmt::format("changing the mode to {}, the default",
                                                              s_.nvccd.node.default_mode.text)});
  }

  // Whether nobody uses the devices through Kubernetes any more.
  bool made_way() {
    d_.withdrawn = true;
    changing_ = true;
    const Labels pause = to_pause(s_.labels);
    d_.labels.insert(pause.begin(), pause.end());
    if (!s_.withdrawn || !pause.empty() || value_of(s_.labels, ready_state_label) != "false") return false;
    return operands_are_gone();
  }

  bool operands_are_gone() {
    const bool paused = !to_restore(s_.labels).empty();
    const auto running = still_running(s_.labels, s_.running_apps);
    if (!paused || (s_.pods == PodView::known && running.empty())) return true;
    d_.awaits_operands = true;
    if (!s_.waited_long_enough) return false;
    d_.notices.push_back(
        {"OperandsStillRunning",
         s_.pods == PodView::known
             ? fmt::format("{} still there after being paused; going on with the change",
                           fmt::join(running, ", "))
             : std::string("not allowed to see whether the GPU operator's paused operands have ended; "
                           "going on with the change"),
         true});
    return true;
  }

  void change_is_running(const client::JobView& job) {
    changing_ = true;
    tell_change(job.mode.text.empty() ? Change(ClearMode{}) : SetMode{job.mode.text});
    std::vector<std::string> held;
    for (const auto& device : s_.nvccd.devices)
      if (device.in_use && is_waited_for(device.address)) held.push_back(device.address);
    if (held.empty()) return;
    d_.notices.push_back(
        {"CCModeWaiting",
         fmt::format("the change of mode waits until virtual machines let go of {}", fmt::join(held, ", "))});
  }

  // Beside a mode job that waits, nvccd may run a job of its own.
  bool is_waited_for(const std::string& device) const {
    return std::ranges::any_of(s_.nvccd.jobs, [&](const client::JobView& job) {
      return job.state == JobState::waiting && std::ranges::find(job.devices, device) != job.devices.end();
    });
  }

  void end_of_change() {
    const Labels restore = to_restore(s_.labels);
    d_.labels.insert(restore.begin(), restore.end());
    d_.withdrawn = false;
  }

  // ---- what the labels say ----

  void tell_state() {
    const auto& node = s_.nvccd.node;
    write(ready_state_label, node.ready && !changing_ ? "true" : "false");
    if (wish_.kind == Wish::Kind::invalid) {
      write(mode_state_label, to_string(ModeState::failed));
      d_.notices.push_back({"CCModeInvalid",
                            fmt::format("{}={} is no mode; there are on, off, devtools and ppcie. The mode "
                                        "stays {}",
                                        mode_label, wish_.value, node.requested_mode.text),
                            true});
    } else if (refused_) {
      write(mode_state_label, to_string(ModeState::failed));
      d_.notices.push_back({"CCModeRefused", s_.refusal->message, true});
    } else if (node.mode_state == ModeState::failed) {
      write(mode_state_label, to_string(ModeState::failed));
      d_.notices.push_back({"CCModeFailed",
                            node.error.empty() ? "the devices are not in the mode asked for" : node.error,
                            true});
    } else if (is_mode(node.mode_state.text)) {
      write(mode_state_label, node.mode_state.text);
    }
    // While a change runs, the label keeps its old value, as it always did.
  }

  void write(std::string_view label, std::string_view value) {
    const auto place = s_.labels.find(label);
    if (place == s_.labels.end() || place->second != value) d_.labels.emplace(label, value);
  }

  const Situation& s_;
  const Wish wish_;
  Decision d_;
  bool changing_ = false;
  bool refused_ = false;
};

}  // namespace

Wish wish_of(const Labels& node) {
  const std::string_view value = value_of(node, mode_label);
  if (value.empty()) return {};
  return {is_mode(value) ? Wish::Kind::mode : Wish::Kind::invalid, std::string(value)};
}

bool is_mode_job(const client::JobView& job) {
  return job.kind == JobKind::set_mode || job.kind == JobKind::clear_mode;
}

Decision decide(const Situation& situation) {
  Decision decision = Decider(situation).decide();
  if (!decision.labels.empty() &&
      (std::holds_alternative<SetMode>(decision.call) || std::holds_alternative<ClearMode>(decision.call)))
    decision.call = {};
  return decision;
}

}  // namespace nvccd::agent
