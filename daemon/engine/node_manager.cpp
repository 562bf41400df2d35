#include "engine/node_manager.h"

#include <algorithm>
#include <utility>

#include "policy/desired.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;

// How long the healthy devices wait for one that boots or does not answer before they are changed without it.
constexpr Duration patience_with_slow_looks = 5s;

// Beyond the boot that a look waits for: retries of a silent firmware, a reset, a driver that takes its time
// to let go. Whoever takes longer hangs in the kernel.
constexpr Duration look_slack = 120s;

}  // namespace

NodeManager::NodeManager(Parts parts, Settings settings, const NodeModes& node_modes)
    : parts_(std::move(parts)), settings_(std::move(settings)), node_modes_(node_modes) {
  node_.host_confidential = parts_.host_confidential;
  update_desired();
}

NodeManager::~NodeManager() = default;

void NodeManager::start(Task settled) {
  settled_ = std::move(settled);
  for (const auto& address : parts_.host.devices->list())
    device_appeared(address);
  publish_node();
  plan();
}

// ---- triggers ----

void NodeManager::device_appeared(const PciAddress& address) {
  const auto [position, is_new] = records_.try_emplace(address);
  DeviceRecord& record = position->second;
  if (is_new) {
    record.snapshot.address = address;
    // Known at once, so that observers see it with its name; the look comes to the same a moment later.
    if (const auto facts = parts_.host.devices->facts(address)) record.take_facts(*facts);
    set_desired(record);
    published_.emplace(address, record.snapshot);
    ++node_.generation;
    notify([&](ManagerObserver& observer) { observer.device_added(address); });
  }
  request_look(record);
  publish_node();
}

void NodeManager::device_gone(const PciAddress& address) {
  if (!records_.contains(address)) return;
  forget(address);
  publish_node();
  plan();
}

void NodeManager::forget(const PciAddress& address) {
  records_.erase(address);
  // Before observers are told: what they write now is to be without it.
  published_.erase(address);
  ++node_.generation;
  notify([&](ManagerObserver& observer) { observer.device_removed(address); });
  verify_reset(address, std::unexpected(Error{.kind = ErrorKind::no_such_device,
                                              .cause = "the device was removed in the middle of the reset"}));
}

void NodeManager::device_driver_changed(const PciAddress& address) {
  const auto position = records_.find(address);
  if (position == records_.end()) return;
  DeviceRecord& record = position->second;
  // Our own binding causes such events too; whether this one was another is seen when the worker is back.
  record.driver_event = record.ours();
  if (record.ours()) return;
  if (has_other_driver(record)) record.doubt();
  request_look(record);
  publish_node();
}

bool NodeManager::has_other_driver(const DeviceRecord& record) const {
  const auto facts = parts_.host.devices->facts(record.snapshot.address);
  return !facts || facts->driver != record.snapshot.driver;
}

void NodeManager::rescan() {
  std::vector<PciAddress> gone;
  const auto present = parts_.host.devices->list();
  for (const auto& [address, record] : records_)
    if (std::ranges::find(present, address) == present.end()) gone.push_back(address);
  for (const auto& address : gone)
    forget(address);
  for (const auto& address : present)
    device_appeared(address);
  publish_node();
  plan();
}

Result<> NodeManager::reload() {
  auto loaded = parts_.load_settings();
  if (!loaded) return std::unexpected(loaded.error());
  for (const auto& warning : loaded->warnings)
    parts_.warn(warning);
  settings_ = std::move(loaded->settings);
  update_desired();
  look_at_everything();
  publish_node();
  return {};
}

// ---- looks ----

void NodeManager::update_desired() {
  const auto requested = requested_mode(settings_.mode, node_modes_.effective(), parts_.host_confidential);
  if (requested.warning != last_warning_ && !requested.warning.empty()) parts_.warn(requested.warning);
  last_warning_ = requested.warning;
  node_.default_mode = effective_default(settings_.mode, parts_.host_confidential);
  node_.node_mode = node_modes_.effective() ? node_modes_.effective() : settings_.mode.node;
  node_.requested_mode = requested.mode;
  for (auto& [address, record] : records_) {
    set_desired(record);
    publish(address);
  }
}

void NodeManager::set_desired(DeviceRecord& record) {
  const auto& snapshot = record.snapshot;
  const auto desired =
      desired_device(settings_, node_.requested_mode, snapshot.address, snapshot.kind, snapshot.device_id);
  record.set_desired(desired.managed, desired.mode);
}

void NodeManager::look_at_everything() {
  for (auto& [address, record] : records_)
    request_look(record);
}

void NodeManager::request_look(DeviceRecord& record) {
  if (record.ours()) {
    record.look_again = true;
    return;
  }
  auto& snapshot = record.snapshot;
  for (const auto& node : {snapshot.vfio_group, snapshot.vfio_device})
    if (!node_is_ours(node)) node_uses_.erase(node);
  record.looking = true;
  record.look_again = false;
  record.driver_event = false;
  LookRequest request{
      .address = snapshot.address,
      .managed = !record.left_alone(),
      .mode = record.desired,
      .bind = settings_.vfio.bind,
      .bind_policy = {.driver = settings_.vfio.driver,
                      .take_over_idle = settings_.vfio.takeover == Takeover::idle},
      .may_reset = std::exchange(record.out_of_step, false),
      .limits = {.boot_timeout = settings_.transition.boot_timeout, .retries = settings_.transition.retries},
  };
  // One that is in use is tried again and again, which is no news each time.
  if (request.managed && request.bind && snapshot.driver.find("vfio") == std::string::npos &&
      snapshot.state != DeviceState::busy)
    snapshot.state = DeviceState::binding;
  publish(snapshot.address);
  record.look_patience =
      parts_.scheduler->after(patience_with_slow_looks, [this, address = snapshot.address] {
        if (const auto slow = records_.find(address); slow != records_.end())
          slow->second.look_patience.reset();
        plan();
      });
  record.look_deadline = parts_.scheduler->after(2 * request.limits.boot_timeout + look_slack,
                                                 [this, address = snapshot.address] { look_hangs(address); });
  start_with_result(
      *parts_.scheduler,
      [host = parts_.host, request] { return look_at(*host.devices, *host.clock, request); },
      [this, alive = std::weak_ptr(alive_), request](const LookResult& result) {
        if (!alive.expired()) look_finished(request, result);
      });
}

void NodeManager::look_finished(const LookRequest& request, const LookResult& result) {
  const PciAddress address = request.address;
  const auto position = records_.find(address);
  if (position == records_.end()) return;
  DeviceRecord& record = position->second;
  record.looking = false;
  record.hangs = false;
  record.look_patience.reset();
  record.look_deadline.reset();
  // This look has never had it, so it was somebody else who let go, and another one who has it now.
  if (result.in_use && was_let_go(record)) record.verified.reset();
  if (result.error && result.error->kind == ErrorKind::no_such_device) {
    forget(address);
  } else if (record.look_again) {
    // Something happened since the look began, so what it found may be of the past.
    request_look(record);
    return;
  } else if (result.out_of_step && !request.may_reset && !record.left_alone()) {
    // The next look resets it. Observers have to know before that.
    record.doubt(DeviceState::transitioning);
    record.out_of_step = true;
    publish(address);
    publish_node();
    request_look(record);
  } else {
    record.take_look(result);
    account_for_openings(record);
    watch_holder(record);
    if (std::exchange(record.driver_event, false) && has_other_driver(record)) {
      record.doubt();
      request_look(record);
    }
    publish(address);
    if (!record.looking)
      verify_reset(address, result.error ? Result<>(std::unexpected(*result.error)) : Result<>());
  }
  publish_node();
  plan();
}

// The worker may come back after all; what it found then counts. Until then the device can only be reported.
void NodeManager::look_hangs(const PciAddress& address) {
  const Error error{.kind = ErrorKind::hardware_failed,
                    .cause = "the kernel does not come back from binding or reading the device",
                    .advice = "the kernel's log may say why (journalctl -k); a reboot may be needed",
                    .device = address};
  worker_hangs(address, error);
  verify_reset(address, std::unexpected(error));
  publish_node();
  plan();
}

// ---- plans ----

NodeManager::Plan NodeManager::make_plan() const {
  Plan plan;
  for (const auto& [address, record] : records_) {
    if (!record.managed || record.released) continue;
    if (record.looking && !record.hangs) plan.looking = true;
    if (record.look_patience) plan.worth_waiting = true;
    if (record.ours() && !record.hangs) continue;
    if (record.snapshot.state == DeviceState::failed && plan.failed == nullptr) plan.failed = &record;
    if (record.needs_change) (record.snapshot.in_use ? plan.busy : plan.change).push_back(address);
  }
  return plan;
}

void NodeManager::plan() {
  if (transition_ || device_job_) return;
  Plan plan = make_plan();
  const bool together = node_.requested_mode == Mode::ppcie;
  // The whole node at once is the aim: wait for those that are still being looked at, but not for ever. In
  // ppcie the devices are one fabric: all of them or none.
  if (plan.worth_waiting || (plan.looking && together)) return;
  if (together && (plan.failed != nullptr || !plan.busy.empty())) {
    if (mode_job_ && plan.failed != nullptr)
      return give_up_mode_job(JobState::failed, plan.failed->error_kind.value_or(ErrorKind::hardware_failed),
                              plan.failed->snapshot.error);
    plan.busy.insert(plan.busy.end(), plan.change.begin(), plan.change.end());
    plan.change.clear();
  }
  if (mode_job_) {
    if (!plan.busy.empty() && !mode_job_->wait) {
      const auto& holder = records_.at(plan.busy.front()).snapshot;
      return give_up_mode_job(
          JobState::failed, ErrorKind::device_busy,
          holder.error.empty() ? to_string(holder.address) + ": the device is in use" : holder.error);
    }
    if (plan.busy.empty() && plan.change.empty() && !plan.looking) return finish_mode_job(plan);
    if (!plan.busy.empty()) {
      // All of the job's devices change together, so it waits; others need not.
      for (const auto& address : plan.busy)
        if (std::ranges::find(mode_job_->devices, address) == mode_job_->devices.end())
          mode_job_->devices.push_back(address);
      update_job(mode_job_->id, [&](JobSnapshot& job) {
        job.state = JobState::waiting;
        job.phase = JobPhase::evict;
        job.devices = mode_job_->devices;
      });
      std::erase_if(plan.change, [&](const PciAddress& address) {
        return std::ranges::find(mode_job_->devices, address) != mode_job_->devices.end();
      });
    }
  }
  if (!plan.change.empty())
    run_transition(plan.change);
  else
    settle_if_idle(plan);
}

void NodeManager::settle_if_idle(const Plan& plan) {
  publish_node();
  if (settled_ && !plan.looking) std::exchange(settled_, nullptr)();
}

// ---- telling the world ----

void NodeManager::publish(const PciAddress& address) {
  const auto record = records_.find(address);
  const auto published = published_.find(address);
  if (record == records_.end() || published == published_.end()) return;
  if (published->second == record->second.snapshot) return;
  published->second = record->second.snapshot;
  ++node_.generation;
  notify([&](ManagerObserver& observer) { observer.device_changed(address); });
}

void NodeManager::publish_node() {
  std::vector<const DeviceSnapshot*> devices;
  for (const auto& [address, record] : records_)
    devices.push_back(&record.snapshot);
  const auto summary = summarize(node_.requested_mode, devices,
                                 mode_job_.has_value() || transition_ != nullptr || device_job_.has_value());
  node_.mode_state = summary.mode_state;
  node_.ready = summary.ready;
  node_.error = summary.error;
  if (node_ == published_node_) return;
  ++node_.generation;
  published_node_ = node_;
  notify([](ManagerObserver& observer) { observer.node_changed(); });
}

}  // namespace nvccd
