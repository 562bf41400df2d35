#include "daemon/publish/event_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace nvccd {
namespace {

bool is_vfio(const std::string& driver) {
  return driver.find("vfio") != std::string::npos;
}

}  // namespace

EventLog::EventLog(Manager& manager, LogWriter write)
    : manager_(manager), write_(std::move(write)), node_(manager.node()) {
  manager_.add_observer(*this);
}

EventLog::~EventLog() {
  manager_.remove_observer(*this);
}

// With the job and phase in which this happens to the device.
LogEntry EventLog::device_entry(const PciAddress& address, std::string_view text) const {
  LogEntry entry{.message = fmt::format("{}: {}", to_string(address), text), .devices = {address}};
  const auto current = manager_.current_job();
  const auto job = current ? manager_.jobs().find(*current) : manager_.jobs().end();
  if (job == manager_.jobs().end() || job->second.state != JobState::running) return entry;
  if (std::ranges::find(job->second.devices, address) == job->second.devices.end()) return entry;
  entry.job = job->first;
  entry.phase = job->second.phase;
  return entry;
}

LogEntry EventLog::job_entry(const JobSnapshot& job, std::string_view text) const {
  return {.message = fmt::format("job {} ({}{}{}): {}", job.id, to_string(job.kind), job.mode ? " " : "",
                                 job.mode ? to_string(*job.mode) : "", text),
          .devices = job.devices,
          .job = job.id};
}

void EventLog::node_changed() {
  const NodeState& node = manager_.node();
  if (node.ready != node_.ready || node.mode_state != node_.mode_state) {
    LogEntry entry{.message = fmt::format("node: mode {}, {}", to_string(node.mode_state),
                                          node.ready ? "ready" : "not ready")};
    if (node.ready != node_.ready)
      entry.message_id = node.ready ? message_id::node_ready : message_id::node_not_ready;
    write_(entry);
  }
  node_ = node;
}

void EventLog::device_added(const PciAddress& address) {
  const auto& device = manager_.devices().at(address);
  write_(device_entry(address, fmt::format("found {} {} [{:04x}:{:04x}]", to_string(device.kind), device.name,
                                           device.vendor_id, device.device_id)));
  devices_[address] = device;
}

void EventLog::device_changed(const PciAddress& address) {
  const auto& device = manager_.devices().at(address);
  const auto before = std::exchange(devices_[address], device);
  if (device.driver != before.driver) {
    auto entry = device_entry(address, "driver " + (device.driver.empty() ? "none" : device.driver));
    if (is_vfio(device.driver)) entry.message_id = message_id::device_bound;
    write_(entry);
  }
  if (!device.error.empty() && device.error != before.error) {
    auto entry = device_entry(address, "");
    entry.message = device.error;  // names the device itself
    entry.level = device.state == DeviceState::busy ? spdlog::level::warn : spdlog::level::err;
    if (device.state == DeviceState::failed) entry.message_id = message_id::device_failed;
    write_(entry);
  } else if (device.state != before.state || device.mode != before.mode) {
    auto entry =
        device_entry(address, fmt::format("{}, mode {}", to_string(device.state), to_string(device.mode)));
    entry.level = device.state == DeviceState::ready ? spdlog::level::info : spdlog::level::debug;
    write_(entry);
  }
  if (device.in_use != before.in_use)
    write_(device_entry(address, device.in_use ? "in use" : "no longer in use"));
}

void EventLog::device_removed(const PciAddress& address) {
  auto entry = device_entry(address, "removed");
  entry.message_id = message_id::device_gone;
  write_(entry);
  devices_.erase(address);
}

void EventLog::job_added(JobId id) {
  const auto& job = manager_.jobs().at(id);
  auto entry = job_entry(job, fmt::format("started for {} device(s)", job.devices.size()));
  entry.message_id = message_id::change_begun;
  write_(entry);
  jobs_[id] = {.state = job.state, .phase = {}};
}

void EventLog::job_changed(JobId id) {
  const auto& job = manager_.jobs().at(id);
  auto& before = jobs_[id];
  if (job.state == JobState::waiting && before.state != JobState::waiting)
    write_(job_entry(job, "waits for devices that VMs use"));
  before.state = job.state;
  if (job.state != JobState::running || job.phase == before.phase) return;
  before.phase = job.phase;
  auto entry = job_entry(job, fmt::format("phase {}", to_string(job.phase)));
  entry.phase = job.phase;
  write_(entry);
}

void EventLog::job_removed(JobId id) {
  const auto& job = manager_.jobs().at(id);
  const bool failed = !job.error.empty();
  auto entry = job_entry(job, failed ? fmt::format("{}: {}", to_string(job.state), job.error)
                                     : std::string(to_string(job.state)));
  entry.level = job.state == JobState::failed ? spdlog::level::err : spdlog::level::info;
  entry.message_id = failed ? message_id::change_failed : message_id::change_done;
  if (failed) entry.phase = jobs_[id].phase;
  write_(entry);
  jobs_.erase(id);
}

}  // namespace nvccd
