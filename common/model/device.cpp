#include "common/model/device.h"

#include <utility>

namespace nvccd {

std::string_view to_string(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::gpu:
      return "gpu";
    case DeviceKind::nvswitch:
      return "nvswitch";
  }
  std::unreachable();
}

std::optional<DeviceKind> parse_device_kind(std::string_view text) {
  if (text == "gpu") return DeviceKind::gpu;
  if (text == "nvswitch") return DeviceKind::nvswitch;
  return std::nullopt;
}

std::string_view to_string(Architecture architecture) {
  switch (architecture) {
    case Architecture::unknown:
      return "unknown";
    case Architecture::hopper:
      return "hopper";
    case Architecture::blackwell:
      return "blackwell";
    case Architecture::ls10:
      return "ls10";
  }
  std::unreachable();
}

std::string_view to_string(DeviceState state) {
  switch (state) {
    case DeviceState::discovered:
      return "discovered";
    case DeviceState::binding:
      return "binding";
    case DeviceState::transitioning:
      return "transitioning";
    case DeviceState::ready:
      return "ready";
    case DeviceState::busy:
      return "busy";
    case DeviceState::failed:
      return "failed";
    case DeviceState::unmanaged:
      return "unmanaged";
  }
  std::unreachable();
}

}  // namespace nvccd
