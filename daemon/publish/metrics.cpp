#include "daemon/publish/metrics.h"

#include <fmt/format.h>

#include <initializer_list>
#include <utility>

namespace nvccd {
namespace {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// Names come from a file of the system; the format wants these three escaped.
std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? ' ' : c;
  }
  return text;
}

class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    text_ += fmt::format("# HELP nvccd_{0} {1}\n# TYPE nvccd_{0} {2}\n", name, help, type);
  }
  template <typename Number>
  void sample(std::string_view name, Labels labels, Number value) {
    std::string list;
    for (const auto& [key, text] : labels)
      list += fmt::format("{}{}=\"{}\"", list.empty() ? "" : ",", key, escaped(text));
    text_ += fmt::format("nvccd_{}{} {}\n", name, list.empty() ? "" : "{" + list + "}", value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void add_node(Exposition& out, const NodeState& node, std::string_view version) {
  out.family("info", "gauge", "The running daemon");
  out.sample("info", {{"version", version}}, 1);
  out.family("node_ready", "gauge",
             "Whether every managed device was verified in the requested mode, on or ppcie");
  out.sample("node_ready", {}, int{node.ready});
  out.family("node_mode_state", "gauge", "What the node is in: the sample of that state is 1");
  for (const ModeState state : all_values<ModeState>)
    out.sample("node_mode_state", {{"state", to_string(state)}}, int{node.mode_state == state});
  out.family("node_requested_mode", "gauge", "The mode that should be");
  out.sample("node_requested_mode", {{"mode", to_string(node.requested_mode)}}, 1);
}

void add_transitions(Exposition& out, const TransitionCounts& counts) {
  out.family("transitions_total", "counter", "Changes of the node that ended since the daemon started");
  out.sample("transitions_total", {{"result", "done"}}, counts.done);
  out.sample("transitions_total", {{"result", "failed"}}, counts.failed);
  out.family("transition_duration_seconds", "summary", "How long these changes took");
  out.sample("transition_duration_seconds_sum", {}, seconds(counts.total));
  out.sample("transition_duration_seconds_count", {}, counts.done + counts.failed);
  if (!counts.latest) return;
  out.family("transition_latest_duration_seconds", "gauge", "How long the latest change took");
  out.sample("transition_latest_duration_seconds", {}, seconds(*counts.latest));
}

void add_devices(Exposition& out, const std::map<PciAddress, DeviceSnapshot>& devices,
                 const std::map<PciAddress, std::uint64_t>& failures) {
  out.family("device_info", "gauge", "What a device is, in which mode and state");
  for (const auto& [address, device] : devices)
    out.sample("device_info",
               {{"address", to_string(address)},
                {"kind", to_string(device.kind)},
                {"name", device.name},
                {"architecture", to_string(device.architecture)},
                {"driver", device.driver},
                {"mode", to_string(device.mode)},
                {"state", to_string(device.state)}},
               1);
  out.family("device_healthy", "gauge", "Whether the device is bound and was verified in its requested mode");
  for (const auto& [address, device] : devices)
    out.sample("device_healthy", {{"address", to_string(address)}}, int{device.healthy()});
  out.family("device_in_use", "gauge", "Whether somebody, such as a virtual machine, has the device open");
  for (const auto& [address, device] : devices)
    out.sample("device_in_use", {{"address", to_string(address)}}, int{device.in_use});
  out.family("device_failures_total", "counter", "How often the device failed since the daemon started");
  for (const auto& [address, count] : failures)
    out.sample("device_failures_total", {{"address", to_string(address)}}, count);
}

}  // namespace

std::string metrics(const NodeState& node, const std::map<PciAddress, DeviceSnapshot>& devices,
                    const TransitionStatistics& statistics, std::string_view version) {
  Exposition out;
  add_node(out, node, version);
  add_transitions(out, statistics.transitions());
  add_devices(out, devices, statistics.failures());
  return out.take();
}

}  // namespace nvccd
