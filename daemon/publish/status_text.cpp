#include "daemon/publish/status_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace nvccd {
namespace {

using Devices = std::map<PciAddress, DeviceSnapshot>;

std::string count(std::size_t number, std::string_view noun, std::string_view nouns) {
  return fmt::format("{} {}", number, number == 1 ? noun : nouns);
}

std::string count_devices(const Devices& devices) {
  std::size_t gpus = 0;
  std::size_t switches = 0;
  std::size_t unmanaged = 0;
  for (const auto& [address, device] : devices)
    ++(device.state == DeviceState::unmanaged ? unmanaged : device.kind == DeviceKind::gpu ? gpus : switches);
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (gpus > 0) add(count(gpus, "GPU", "GPUs"));
  if (switches > 0) add(count(switches, "NVSwitch", "NVSwitches"));
  if (unmanaged > 0) add(fmt::format("{} left alone", unmanaged));
  return text;
}

std::string which(const std::vector<PciAddress>& devices) {
  return devices.size() == 1 ? to_string(devices.front()) : count(devices.size(), "device", "devices");
}

// Those of the job's devices for which it has to wait.
std::vector<PciAddress> in_use(const JobSnapshot& job, const Devices& devices) {
  std::vector<PciAddress> found;
  std::ranges::copy_if(job.devices, std::back_inserter(found), [&](const PciAddress& address) {
    const auto device = devices.find(address);
    return device != devices.end() && device->second.in_use;
  });
  return found;
}

std::string describe_job(const NodeState& node, const Devices& devices, const JobSnapshot& job) {
  const std::string progress =
      fmt::format("{}, {:.0f} %", to_string(job.phase), std::clamp(job.progress, 0.0, 1.0) * 100);
  if (!job.sets_mode())
    return fmt::format("{} {}",
                       job.kind == JobKind::bind     ? "Binding"
                       : job.kind == JobKind::unbind ? "Unbinding"
                                                     : "Resetting",
                       which(job.devices));
  const auto mode = to_string(job.mode.value_or(node.requested_mode));
  if (job.state == JobState::running) return fmt::format("Changing to {}: {}", mode, progress);
  const auto holding_up = in_use(job, devices);
  if (job.state == JobState::waiting && !holding_up.empty())
    return fmt::format("Waiting for {} in use, to change to {}", which(holding_up), mode);
  return fmt::format("Changing to {}: looking at the devices", mode);
}

// Of a node in which not every device is as it should be.
std::string describe_trouble(const NodeState& node, const Devices& devices) {
  std::size_t failed = 0;
  const DeviceSnapshot* in_the_way = nullptr;
  for (const auto& [address, device] : devices) {
    if (device.state == DeviceState::failed) ++failed;
    if (in_the_way == nullptr && device.state != DeviceState::ready && device.state != DeviceState::unmanaged)
      in_the_way = &device;
  }
  const auto others = failed > 1 ? fmt::format(" ({} failed)", count(failed, "device", "devices")) : "";
  if (!node.error.empty()) return fmt::format("Not ready: {}{}", node.error, others);
  if (in_the_way == nullptr) return "Not ready";
  if (!in_the_way->error.empty()) return "Not ready: " + in_the_way->error;
  return "Looking at " + count_devices(devices);
}

std::string describe_node(const NodeState& node, const Devices& devices) {
  const bool any_managed = std::ranges::any_of(
      devices, [](const auto& device) { return device.second.state != DeviceState::unmanaged; });
  if (!any_managed)
    return devices.empty() ? "No NVIDIA devices" : "No devices to manage: " + count_devices(devices);
  switch (node.mode_state) {
    case ModeState::off:
    case ModeState::on:
    case ModeState::devtools:
    case ModeState::ppcie:
      return fmt::format("Mode {}{}: {}", to_string(node.mode_state), node.ready ? ", ready" : "",
                         count_devices(devices));
    case ModeState::transitioning:
      return fmt::format("Changing to {}", to_string(node.requested_mode));
    case ModeState::failed:
    case ModeState::unknown:
      break;
  }
  return describe_trouble(node, devices);
}

}  // namespace

std::string status_text(const NodeState& node, const Devices& devices, const JobSnapshot* job,
                        const std::string& broken_settings) {
  auto text = job != nullptr ? describe_job(node, devices, *job) : describe_node(node, devices);
  if (!broken_settings.empty()) text += "; older settings are in force: " + broken_settings;
  // systemd takes lines; names and file names may hold anything.
  std::ranges::replace_if(text, [](char c) { return c >= 0 && c < ' '; }, ' ');
  return text;
}

}  // namespace nvccd
