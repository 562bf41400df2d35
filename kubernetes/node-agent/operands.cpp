#include "kubernetes/node-agent/operands.h"

namespace nvccd::agent {
namespace {

constexpr std::string_view mark = "paused-for-cc-mode-change";
constexpr std::string_view any_mark = "paused-for-";
constexpr std::size_t longest_value = 63;  // of a label

constexpr Operand all_operands[] = {
    {"nvidia.com/gpu.deploy.vfio-manager", "nvidia-vfio-manager"},
    {"nvidia.com/gpu.deploy.vgpu-manager", "nvidia-vgpu-manager"},
    {"nvidia.com/gpu.deploy.sandbox-validator", "nvidia-sandbox-validator"},
    {"nvidia.com/gpu.deploy.sandbox-device-plugin", "nvidia-sandbox-device-plugin-daemonset"},
    {"nvidia.com/gpu.deploy.vgpu-device-manager", "nvidia-vgpu-device-manager"},
};

std::string_view value_of(const Labels& labels, std::string_view key) {
  const auto place = labels.find(key);
  return place == labels.end() ? std::string_view() : std::string_view(place->second);
}

Labels changed(const Labels& node, std::string (*change)(std::string_view)) {
  Labels changes;
  for (const Operand& operand : all_operands) {
    const std::string_view value = value_of(node, operand.label);
    if (std::string wanted = change(value); wanted != value)
      changes.emplace(operand.label, std::move(wanted));
  }
  return changes;
}

}  // namespace

std::span<const Operand> operands() {
  return all_operands;
}

std::string paused(std::string_view value) {
  if (value == "true") return std::string(mark);
  if (value.empty() || value == "false" || value.contains(mark)) return std::string(value);
  std::string marked = std::string(value) + "_" + std::string(mark);
  // Only "true" deploys an operand, so one whose label has no room for the mark does not run anyway.
  return marked.size() > longest_value ? std::string(value) : marked;
}

std::string restored(std::string_view value) {
  if (value == mark) return "true";
  const std::string suffix = "_" + std::string(mark);
  if (value.ends_with(suffix)) value.remove_suffix(suffix.size());
  return std::string(value);
}

Labels to_pause(const Labels& node) {
  return changed(node, paused);
}

Labels to_restore(const Labels& node) {
  return changed(node, restored);
}

std::string paused_by_others(const Labels& node) {
  for (auto place = node.lower_bound(deploy_prefix);
       place != node.end() && place->first.starts_with(deploy_prefix); ++place)
    if (place->second.contains(any_mark) && !place->second.contains(mark)) return place->first;
  return "";
}

std::set<std::string> still_running(const Labels& node, const std::set<std::string>& running_apps) {
  std::set<std::string> found;
  for (const Operand& operand : all_operands)
    if (value_of(node, operand.label).contains(mark) && running_apps.contains(std::string(operand.app)))
      found.emplace(operand.app);
  return found;
}

bool has_gpu_operator(const Labels& node) {
  const auto place = node.lower_bound(deploy_prefix);
  return place != node.end() && place->first.starts_with(deploy_prefix);
}

}  // namespace nvccd::agent
