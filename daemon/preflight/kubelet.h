// The kubelet of this host, with the settings that are in force.
#pragma once

#include <chrono>

#include "preflight/configuration_text.h"
#include "preflight/host_view.h"

namespace nvccd::preflight {

struct Kubelet {
  // From its configuration file, drop-ins and command line together, by the names of the file:
  // featureGates/NAME, runtimeRequestTimeout, containerRuntimeEndpoint.
  ConfigurationText settings;
  std::string drop_in_directory;  // "": it reads none
  std::string note;               // what is assumed because it cannot be seen; "" when nothing is

  std::optional<bool> feature_gate(const std::string& name) const;
};

// Whether anything of Kubernetes is on this host.
bool has_kubernetes(const HostView& host);

// Errors: a file of it cannot be read or understood.
Result<Kubelet> read_kubelet(const HostView& host);

// "20m", "1h30m", "1200s", as Go writes durations.
std::optional<std::chrono::duration<double>> parse_go_duration(std::string_view text);

}  // namespace nvccd::preflight
