// What the checks judge: all that they need to know of the host, looked at once, before the first check.
#pragma once

#include <map>

#include "common/config/settings_file.h"
#include "common/model/device.h"
#include "common/model/node.h"
#include "preflight/access_control.h"
#include "preflight/checked_device.h"
#include "preflight/host_modules.h"
#include "preflight/kernel_log.h"
#include "preflight/kubernetes_node.h"
#include "preflight/own_files.h"
#include "preflight/platform.h"
#include "preflight/processes.h"
#include "preflight/rivals.h"

namespace nvccd::preflight {

// What the running daemon knows; a copy, so that the checks can run in a worker.
struct DaemonState {
  NodeState node;
  std::map<PciAddress, DeviceSnapshot> devices;
};

struct Subject {
  Result<LoadedSettings> settings;
  std::optional<DaemonState> daemon = {};  // nullopt: asked without the daemon
  OwnFiles own = {};
  std::optional<Mode> node_mode = {};  // as set at run time, by a label, the bus or nvccctl
  HostConfidential confidential = HostConfidential::none;
  Platform platform = {};
  Modules modules = {};
  std::vector<CheckedDevice> devices = {};  // those that the settings do not exclude
  std::vector<PciAddress> excluded = {};    // NVIDIA's devices that nvccd leaves to the host

  // The rest is looked at only where there are devices.
  std::map<PciAddress, AccessControl> bridges = {};    // on the way to the devices
  std::optional<std::vector<Process>> processes = {};  // nullopt: other processes cannot be seen
  Result<std::vector<KernelMessage>> kernel_log = {};
  Rivals rivals = {};
  std::optional<KubernetesNode> kubernetes = {};  // nullopt: no Kubernetes on this host

  // The settings in the files, or the defaults where the files are broken.
  Settings settings_or_default() const { return settings ? settings->settings : Settings(); }
  // Whether guests are meant to be confidential, whether or not the host can do that.
  bool wants_confidential() const;
};

}  // namespace nvccd::preflight
