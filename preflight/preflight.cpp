#include "preflight/preflight.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "common/formats/node_mode_store.h"
#include "common/host/device_facts.h"
#include "common/host/host_confidential.h"
#include "common/policy/desired.h"

namespace nvccd::preflight {
namespace {

// Said once instead of by each check of a topic.
constexpr std::string_view no_devices_id = "devices";
constexpr std::string_view no_kubernetes_id = "kubernetes";

constexpr std::string_view not_made_id = "nvccd.checks";

// What is looked at where there are devices.
std::array<std::span<const Check>, 5> device_topics() {
  return {isolation_checks(), device_checks(), driver_checks(), kernel_log_checks(), conflict_checks()};
}

void add_skip(std::string_view id, std::string reason, Findings& findings) {
  findings.push_back({.id = std::string(id), .result = CheckResult::skip, .found = std::move(reason)});
}

std::optional<Mode> read_node_mode(const HostView& host) {
  const auto modes = NodeModeStore(host.path(paths::state_dir), host.path(paths::runtime_dir)).load();
  return modes ? modes->effective() : std::nullopt;
}

void look_at_devices(const HostView& host, Subject& subject) {
  const auto paths = host.kernel();
  const auto settings = subject.settings_or_default();
  for (const auto& address : list_devices(paths)) {
    const auto facts = read_facts(paths, address);
    if (!facts) continue;
    if (desired_device(settings, Mode::on, address, facts->kind, facts->device_id).managed)
      subject.devices.push_back(look_at_device(host, address, *facts));
    else
      subject.excluded.push_back(address);
  }
  for (const auto& device : subject.devices)
    for (const auto& bridge : device.bridges)
      subject.bridges[bridge] = read_access_control(
          host.read(fmt::format("/sys/bus/pci/devices/{}/config", to_string(bridge)), 4096).value_or(""));
}

void run_topic(std::span<const Check> checks, const Subject& subject, Findings& findings) {
  for (const auto& check : checks) {
    auto verdict = check.run(subject);
    findings.push_back({.id = std::string(check.id),
                        .result = verdict.result,
                        .found = std::move(verdict.found),
                        .advice = std::move(verdict.advice)});
  }
}

// What is wrong with a host is not urgent while it has no device: nobody wants a wall of red on a laptop.
void soften(Findings& findings) {
  for (auto& finding : findings)
    if (finding.result == CheckResult::fail) finding.result = CheckResult::warn;
}

}  // namespace

bool Subject::wants_confidential() const {
  const auto mode = settings_or_default().mode;
  return node_mode.value_or(mode.node.value_or(mode.default_mode)) != Mode::off;
}

std::optional<Verdict> spare_excluded(const Subject& subject, std::string_view found) {
  if (!subject.settings)
    return skip(fmt::format(
        "{}, which a device may need that the settings exclude; the settings cannot be read", found));
  if (subject.excluded.empty()) return std::nullopt;
  std::vector<std::string> addresses;
  for (const auto& address : subject.excluded)
    addresses.push_back(to_string(address));
  return skip(fmt::format("{}, which {} may need: the settings exclude {}", found, fmt::join(addresses, ", "),
                          addresses.size() == 1 ? "it" : "them"));
}

Subject look_over(const Input& input) {
  const auto& host = input.host;
  Subject subject{.settings = input.settings, .daemon = input.daemon};
  subject.own = look_at_own_files(host, input.state_file);
  subject.node_mode = input.daemon ? input.daemon->node.node_mode : read_node_mode(host);
  subject.confidential = detect_host_confidential(host.kernel().sys);
  subject.platform = look_at_platform(host);
  subject.modules = look_at_modules(host);
  look_at_devices(host, subject);
  if (subject.devices.empty()) return subject;
  subject.processes = list_processes(host);
  subject.kernel_log = read_kernel_log(host);
  subject.rivals = look_for_rivals(host);
  if (has_kubernetes(host)) subject.kubernetes = look_at_kubernetes(host, subject.processes);
  return subject;
}

Subject look_over_without_daemon() {
  return look_over({.settings = load_settings(default_settings_file, default_settings_directory)});
}

Findings judge(const Subject& subject) {
  Findings findings;
  run_topic(host_checks(), subject, findings);
  if (subject.devices.empty()) {
    soften(findings);
    add_skip(no_devices_id, "there is no NVIDIA GPU or NVSwitch on this host that nvccd manages", findings);
  } else {
    for (const auto& topic : device_topics())
      run_topic(topic, subject, findings);
  }
  if (subject.kubernetes)
    run_topic(kubernetes_checks(), subject, findings);
  else if (!subject.devices.empty())
    add_skip(no_kubernetes_id, "there is no Kubernetes on this host", findings);
  run_topic(service_checks(), subject, findings);
  return findings;
}

Findings run(const Input& input) {
  return judge(look_over(input));
}

Findings fill_gaps(Findings findings) {
  const Findings own = judge(look_over_without_daemon());
  for (const auto& topic : {driver_checks(), kernel_log_checks(), conflict_checks(), kubernetes_checks()})
    for (const auto& check : topic) {
      if (!check.beyond_sandbox) continue;
      const auto gap = std::ranges::find(findings, check.id, &Finding::id);
      const auto seen = std::ranges::find(own, check.id, &Finding::id);
      if (gap != findings.end() && gap->result == CheckResult::skip && seen != own.end()) *gap = *seen;
    }
  return findings;
}

Finding not_made(const Error& error) {
  return {.id = std::string(not_made_id),
          .result = CheckResult::fail,
          .found = error.cause,
          .advice = error.advice};
}

std::vector<std::string_view> check_ids() {
  std::vector<std::string_view> ids;
  const auto add = [&](std::span<const Check> checks) {
    for (const auto& check : checks)
      ids.push_back(check.id);
  };
  add(host_checks());
  ids.push_back(no_devices_id);
  for (const auto& topic : device_topics())
    add(topic);
  ids.push_back(no_kubernetes_id);
  for (const auto& topic : {kubernetes_checks(), service_checks()})
    add(topic);
  ids.push_back(not_made_id);
  return ids;
}

}  // namespace nvccd::preflight
