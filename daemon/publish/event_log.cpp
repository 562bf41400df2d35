#include "publish/event_log.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace nvccd {
namespace {

std::string describe(const JobSnapshot& job) {
  return fmt::format("job {} ({}{}{})", job.id, to_string(job.kind), job.mode ? " " : "",
                     job.mode ? to_string(*job.mode) : "");
}

}  // namespace

EventLog::EventLog(Manager& manager) : manager_(manager), node_(manager.node()) {
  manager_.add_observer(*this);
}

EventLog::~EventLog() {
  manager_.remove_observer(*this);
}

void EventLog::node_changed() {
  const NodeState& node = manager_.node();
  if (node.ready != node_.ready || node.mode_state != node_.mode_state)
    spdlog::info("node: mode {}, {}", to_string(node.mode_state), node.ready ? "ready" : "not ready");
  node_ = node;
}

void EventLog::device_added(const PciAddress& address) {
  const auto& device = manager_.devices().at(address);
  spdlog::info("{}: found {} {} [{:04x}:{:04x}]", to_string(address), to_string(device.kind), device.name,
               device.vendor_id, device.device_id);
  devices_[address] = device;
}

void EventLog::device_changed(const PciAddress& address) {
  const auto& device = manager_.devices().at(address);
  auto& before = devices_[address];
  if (device.driver != before.driver)
    spdlog::info("{}: driver {}", to_string(address), device.driver.empty() ? "none" : device.driver);
  if (!device.error.empty() && device.error != before.error)
    spdlog::error("{}", device.error);
  else if (device.state != before.state || device.mode != before.mode)
    spdlog::log(device.state == DeviceState::ready ? spdlog::level::info : spdlog::level::debug,
                "{}: {}, mode {}", to_string(address), to_string(device.state), to_string(device.mode));
  if (device.in_use != before.in_use)
    spdlog::info("{}: {}", to_string(address), device.in_use ? "taken by a VM" : "released by its VM");
  before = device;
}

void EventLog::device_removed(const PciAddress& address) {
  spdlog::info("{}: removed", to_string(address));
  devices_.erase(address);
}

void EventLog::job_added(JobId id) {
  const auto& job = manager_.jobs().at(id);
  spdlog::info("{}: started for {} device(s)", describe(job), job.devices.size());
  jobs_[id] = job.state;
}

void EventLog::job_changed(JobId id) {
  const auto& job = manager_.jobs().at(id);
  if (job.state == JobState::waiting && jobs_[id] != JobState::waiting)
    spdlog::info("{}: waits for devices that VMs use", describe(job));
  jobs_[id] = job.state;
}

void EventLog::job_removed(JobId id) {
  const auto& job = manager_.jobs().at(id);
  if (job.error.empty())
    spdlog::info("{}: {}", describe(job), to_string(job.state));
  else
    spdlog::error("{}: {}: {}", describe(job), to_string(job.state), job.error);
  jobs_.erase(id);
}

}  // namespace nvccd
