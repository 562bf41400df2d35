// The settings of /etc/nvccd, as values. Defaults here are the built-in defaults.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/model/device.h"

namespace nvccd {

enum class Takeover { never, idle };
template <>
inline constexpr EnumRow<Takeover> enum_table<Takeover>[] = {{Takeover::never, "never"},
                                                             {Takeover::idle, "idle"}};

enum class WhenBusy { wait, refuse };
template <>
inline constexpr EnumRow<WhenBusy> enum_table<WhenBusy>[] = {{WhenBusy::wait, "wait"},
                                                             {WhenBusy::refuse, "refuse"}};

struct ModeSettings {
  Mode default_mode = Mode::on;  // off, on or devtools
  std::optional<Mode> node;
  bool require_confidential_host = true;

  bool operator==(const ModeSettings&) const = default;
};

struct VfioSettings {
  bool bind = true;
  std::string driver = "auto";  // auto, or a driver's name
  Takeover takeover = Takeover::idle;

  bool operator==(const VfioSettings&) const = default;
};

struct TransitionSettings {
  WhenBusy busy = WhenBusy::wait;
  std::chrono::milliseconds boot_timeout = std::chrono::seconds(60);
  unsigned retries = 2;  // 0 to 10

  bool operator==(const TransitionSettings&) const = default;
};

struct KubernetesSettings {
  std::string pgpu_alias = "pgpu";  // "": model-specific resource names
  std::string nvswitch_alias = "nvswitch";
  bool node_features = true;
  bool cdi = true;

  bool operator==(const KubernetesSettings&) const = default;
};

// What a [[device]] section applies to. Every condition that is set must hold; none set matches every device.
struct DeviceMatch {
  std::optional<PciAddress> address;
  std::optional<std::uint16_t> device_id;
  std::optional<DeviceKind> kind;

  bool operator==(const DeviceMatch&) const = default;
};

struct DeviceOverride {
  DeviceMatch match;
  bool managed = true;
  std::optional<Mode> mode;

  bool operator==(const DeviceOverride&) const = default;
};

struct Settings {
  ModeSettings mode;
  VfioSettings vfio;
  TransitionSettings transition;
  KubernetesSettings kubernetes;
  std::vector<DeviceOverride> devices;  // first match wins

  bool operator==(const Settings&) const = default;
};

}  // namespace nvccd
