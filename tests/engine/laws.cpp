#include "laws.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "common/formats/state_file.h"
#include "common/policy/desired.h"
#include "hardware_truth.h"
#include "node_fixture.h"

namespace nvccd::test {
namespace {

using Touch = EmulatedHost::Touch;

unsigned number_of(const PciAddress& address) {
  return address.bus - 1U;
}

// L2 as a reader of the state file sees it, who does not know what is behind.
std::string contradiction_in(const nlohmann::ordered_json& document) {
  const auto& node = document.at("node");
  const bool ready = node.at("ready");
  const std::string mode_state = node.at("mode_state");
  bool any_gpu = false;
  for (const auto& device : document.at("devices")) {
    if (device.at("state") == "unmanaged") continue;
    const bool is_gpu = device.at("kind") == "gpu";
    any_gpu |= is_gpu;
    const bool in_a_mode = parse_enum<Mode>(mode_state).has_value();
    const std::string who = device.at("address");
    if (ready && !device.at("healthy")) return "ready beside " + who + ", which is not healthy";
    if (in_a_mode && !device.at("healthy")) return mode_state + " beside " + who + ", which is not healthy";
    if (in_a_mode && is_gpu && device.at("mode") != mode_state)
      return mode_state + " beside " + who + " in another mode";
  }
  if (ready && !any_gpu) return "ready without a managed GPU";
  if (!any_gpu && (mode_state == "on" || mode_state == "ppcie")) return "on without a managed GPU";
  if (ready && mode_state != "on" && mode_state != "ppcie") return "ready in state " + mode_state;
  return "";
}

std::string shown(const DeviceSnapshot& device) {
  return fmt::format("{}: state {}, mode {}, requested {}{}{}", to_string(device.address),
                     to_string(device.state), to_string(device.mode), to_string(device.requested_mode),
                     device.in_use ? ", in use" : "", device.error.empty() ? "" : ", error: " + device.error);
}

}  // namespace

Laws::Laws(NodeManager& manager, EmulatedHost& host, GroundTruth& truth)
    : manager_(manager), host_(host), truth_(truth) {
  manager_.add_observer(*this);
}

void Laws::break_law(const std::string& name, const std::string& details) {
  broken.try_emplace(name, details);
}

void Laws::judge() {
  for (const auto& [address, snapshot] : manager_.devices())
    judge_device(number_of(address), snapshot);
  judge_node("after a step");
  judge_document();
  judge_excluded();
  for (const std::string& violation : host_.violations())
    break_law("L3 " + violation.substr(violation.find(": ") + 2), violation);
}

// ---- L1 ----

void Laws::judge_device(unsigned device, const DeviceSnapshot& snapshot) {
  if (!truth_.is_known(device)) return;
  if (snapshot.healthy()) return judge_healthy(device, snapshot);
  // One that is being changed shows the mode from which it comes.
  if (!snapshot.mode || snapshot.state == DeviceState::transitioning || truth_.held_by_vm(device)) return;
  if (!truth_.present(device) || host_.hardware(slot(device)).active_mode() != to_string(*snapshot.mode))
    break_law("L1 a mode that the hardware does not say", shown(snapshot));
}

void Laws::judge_healthy(unsigned device, const DeviceSnapshot& snapshot) {
  const auto broken_here = [&](const std::string& what) {
    break_law("L1 healthy, but " + what, shown(snapshot));
  };
  if (!truth_.present(device)) return broken_here("gone");
  if (!snapshot.mode || snapshot.mode != snapshot.requested_mode)
    return broken_here("in another mode than requested");
  const auto desired = desired_device(manager_.settings(), manager_.node().requested_mode, snapshot.address,
                                      snapshot.kind, snapshot.device_id);
  if (!desired.managed) return broken_here("excluded by the settings");
  if (snapshot.mode != desired.mode) return broken_here("in another mode than the settings want");
  const DeviceTruth& truth = truth_.of(device);
  if (truth_.held_by_vm(device)) {
    if (!truth.holder_seen) return broken_here("in the hands of one who was not seen to come");
    if (truth.mode_when_taken != snapshot.mode) return broken_here("not right when its holder took it");
    return;
  }
  if (host_.driver(snapshot.address) != "vfio-pci") return broken_here("without its VFIO driver");
  if (!hardware_is(host_.hardware(snapshot.address), *snapshot.mode))
    broken_here(fmt::format("the hardware is {}", host_.hardware(snapshot.address).booted()
                                                      ? "not right in that mode"
                                                      : "still booting"));
}

// ---- L2 ----

void Laws::judge_node(const std::string& moment) {
  const NodeState& node = manager_.node();
  if (!node.ready) return;
  for (const auto& [address, device] : manager_.devices())
    if (device.state != DeviceState::unmanaged && !device.healthy())
      break_law("L2 ready beside an unhealthy device, when " + moment, shown(device));
}

void Laws::judge_document() {
  // To make a document takes long; most changes are about what no law is about.
  std::vector<int> now{manager_.node().ready, static_cast<int>(manager_.node().mode_state)};
  for (const auto& [address, device] : manager_.devices())
    now.insert(now.end(), {address.bus, static_cast<int>(device.state),
                           device.mode ? static_cast<int>(*device.mode) : -1});
  if (now == judged_document_) return;
  judged_document_ = std::move(now);
  const auto document = state_document(manager_.node(), manager_.devices(), {}, "", {});
  if (const auto contradiction = contradiction_in(document); !contradiction.empty())
    break_law("L2 the state file contradicts itself: " + contradiction.substr(0, contradiction.find(" 0000")),
              contradiction);
}

void Laws::device_removed(const PciAddress& address) {
  DeviceTruth& truth = truth_.of(number_of(address));
  truth.released = truth.predecessor_released = false;
  judge_node("a device was removed");
}

// ---- L3: excluded devices ----

bool Laws::being_reset(unsigned device) const {
  return std::ranges::any_of(jobs_, [&](const auto& job) {
    const auto& snapshot = manager_.jobs().find(job.first);
    return snapshot != manager_.jobs().end() && !job.second.resets.empty() &&
           std::ranges::count(snapshot->second.devices, slot(device)) > 0;
  });
}

void Laws::settings_loaded(Duration now) {
  for (unsigned device = 0; device < slots_of_node; ++device) {
    DeviceTruth& truth = truth_.of(device);
    // The rules of schedules go by address.
    const bool managed =
        desired_device(manager_.settings(), Mode::on, slot(device), DeviceKind::gpu, 0).managed;
    if (managed) {
      truth.excluded_at.reset();
    } else if (!truth.excluded_at) {
      truth.excluded_at = now;
      truth.was_being_reset = being_reset(device) || reset_holds_.contains(device);
      truth.held_when_excluded = held_.contains(device);
    }
  }
}

void Laws::touched(unsigned device, Touch touch, Duration now) {
  DeviceTruth& truth = truth_.of(device);
  switch (touch) {
    case Touch::asked_for:
      truth_.asked_for(device);
      break;
    case Touch::refused:
      truth_.answered(device);
      break;
    case Touch::taken:
      held_.insert(device);
      break;
    case Touch::let_go:
      truth_.answered(device);
      held_.erase(device);
      reset_holds_.erase(device);
      truth.was_being_reset = false;
      // What it put back before it let go was allowed.
      if (std::exchange(truth.held_when_excluded, false) && truth_.present(device))
        truth.knob_writes_before = host_.hardware(slot(device)).counters().knob_writes;
      break;
    case Touch::reset:
      reset_holds_.insert(device);
      for (auto& [id, job] : jobs_)
        if (const auto snapshot = manager_.jobs().find(id);
            snapshot != manager_.jobs().end() &&
            std::ranges::count(snapshot->second.devices, slot(device)) > 0)
          job.resets.insert(device);
      break;
    case Touch::bound:
    case Touch::unbound:
      break;
  }
  // What began in the very moment of the reload may have begun before it.
  if (!truth.excluded_at || now == *truth.excluded_at) return;
  const auto who = to_string(slot(device));
  if (touch == Touch::reset && !truth.was_being_reset) break_law("L3 an excluded device was reset", who);
  if (touch == Touch::bound || touch == Touch::unbound)
    break_law("L3 the driver of an excluded device was changed", who);
}

void Laws::judge_excluded() {
  for (unsigned device = 0; device < slots_of_node; ++device) {
    DeviceTruth& truth = truth_.of(device);
    if (!truth_.present(device)) continue;
    const auto writes = host_.hardware(slot(device)).counters().knob_writes;
    // One that was held when it was excluded has its old knobs put back.
    if (truth.excluded_at && !truth.held_when_excluded && writes > truth.knob_writes_before)
      break_law("L3 the knobs of an excluded device were written", to_string(slot(device)));
    truth.knob_writes_before = writes;
  }
}

}  // namespace nvccd::test
