// The GPU operator's part of a node: which of its operands make way for a change of mode, and how that is
// written into their labels. Names and values are those of NVIDIA's CC manager.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace nvccd::agent {

using Labels = std::map<std::string, std::string, std::less<>>;

inline constexpr std::string_view deploy_prefix = "nvidia.com/gpu.deploy.";
inline constexpr std::string_view cc_manager_label = "nvidia.com/gpu.deploy.cc-manager";
inline constexpr std::string_view cc_manager_app = "nvidia-cc-manager";

// An operand that is paused around a change.
struct Operand {
  std::string_view label;  // on the node; its DaemonSet runs where this is "true"
  std::string_view app;    // of its pods, in their label "app" or "name"
};
std::span<const Operand> operands();

// The label's value that pauses an operand, and the value from before. Both return their argument when there
// is nothing to do: an operand that is not deployed is not paused, and one that is not paused is not
// restored. restored() gives exactly what paused() was given, so the label itself is the record of a change
// under way: no other is needed, and it is still there when the process or the host is not.
std::string paused(std::string_view value);
std::string restored(std::string_view value);

// The labels that have to be changed so that all operands are paused, or none is.
Labels to_pause(const Labels& node);
Labels to_restore(const Labels& node);

// Label of an operand that somebody else has paused for another purpose; "" when there is none.
std::string paused_by_others(const Labels& node);

// The paused operands that still have running pods.
std::set<std::string> still_running(const Labels& node, const std::set<std::string>& running_apps);

bool has_gpu_operator(const Labels& node);

}  // namespace nvccd::agent
