#include "client/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace nvccd::client {
namespace {

// "0000:65:00.0 failed", "2 devices failed"; "" when no device is in the state.
std::string devices_in(const Snapshot& snapshot, DeviceState state, std::string_view what) {
  const auto is_in_state = [&](const DeviceView& device) { return device.state == state; };
  const auto count = std::ranges::count_if(snapshot.devices, is_in_state);
  if (count == 0) return "";
  if (count == 1)
    return fmt::format("{} {}", std::ranges::find_if(snapshot.devices, is_in_state)->address, what);
  return fmt::format("{} {}", count_devices(static_cast<std::size_t>(count)), what);
}

bool is_managed(const DeviceView& device) {
  return device.state != DeviceState::unmanaged;
}

}  // namespace

std::string count_devices(std::size_t count) {
  return fmt::format("{} device{}", count, count == 1 ? "" : "s");
}

std::string mode_text(const DeviceView& device) {
  const std::string mode = device.mode.text.empty() ? "-" : device.mode.text;
  if (device.requested_mode.text.empty() || device.requested_mode == device.mode) return mode;
  return mode + " -> " + device.requested_mode.text;
}

std::string state_text(const DeviceView& device) {
  return device.in_use ? device.state.text + " (in use)" : device.state.text;
}

std::string error_text(const DeviceView& device) {
  // Errors of the daemon usually name the device themselves.
  if (device.error.empty() || device.error.starts_with(device.address)) return device.error;
  return device.address + ": " + device.error;
}

std::string doing(const JobView& job) {
  if (job.state == JobState::waiting) return "waiting for devices in use";
  if (job.state == JobState::queued) return "looking at the devices";
  if (job.state != JobState::running) return job.state.text;
  if (!job.phase.value) return job.phase.text;
  switch (*job.phase.value) {
    case JobPhase::evict:
      return "evicting";
    case JobPhase::bind:
      return "binding";
    case JobPhase::stage:
      return "staging";
    case JobPhase::reset:
      return "resetting";
    case JobPhase::boot:
      return "booting";
    case JobPhase::verify:
      return "verifying";
  }
  std::unreachable();
}

std::string job_text(const JobView& job) {
  return fmt::format("{}: {}, {:.0f} %, {}", job.title(), doing(job), job.progress * 100,
                     count_devices(job.devices.size()));
}

std::string why_not_ready(const Snapshot& snapshot) {
  const NodeView& node = snapshot.node;
  if (node.ready) return "";
  if (!snapshot.jobs.empty()) {
    const JobView& job = snapshot.jobs.front();
    return job.title() + (job.state == JobState::waiting ? " waits for devices in use" : " is under way");
  }
  if (const auto failed = devices_in(snapshot, DeviceState::failed, "failed"); !failed.empty()) return failed;
  if (const auto busy = devices_in(snapshot, DeviceState::busy, "in use and cannot change"); !busy.empty())
    return busy;
  if (std::ranges::none_of(snapshot.devices, is_managed)) return "there is no device to manage";
  const auto unverified = std::ranges::count_if(snapshot.devices, [](const DeviceView& device) {
    return is_managed(device) && device.state != DeviceState::ready;
  });
  if (unverified > 0)
    return fmt::format("{} not verified yet", count_devices(static_cast<std::size_t>(unverified)));
  if (node.requested_mode == Mode::off || node.requested_mode == Mode::devtools)
    return fmt::format("mode {} protects nothing", node.requested_mode.text);
  return node.error;
}

}  // namespace nvccd::client
