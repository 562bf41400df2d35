// The kubelet of this host, with the settings that are in force.
#pragma once

#include <chrono>

#include "common/text/configuration_text.h"
#include "preflight/host_view.h"
#include "preflight/processes.h"

namespace nvccd::preflight {

// What nvccctl check --fix writes into the drop-in directory.
inline constexpr auto kubelet_drop_in = "99-nvccd.conf";

struct Kubelet {
  // From its configuration file, drop-ins and command line together, by the names of the file:
  // featureGates/NAME, runtimeRequestTimeout, containerRuntimeEndpoint.
  ConfigurationText settings;
  std::string file;               // "": it reads none
  std::string drop_in_directory;  // "": it reads none
  // Settings that kubelet_drop_in cannot change, each with what wins over the drop-in: an option or a later
  // drop-in.
  std::map<std::string, std::string> overridden;
  std::string note;  // what is assumed because it cannot be seen; "" when nothing is

  std::optional<bool> feature_gate(const std::string& name) const;
};

// Why nothing can be known of the kubelet; nullopt: read_kubelet() can tell.
std::optional<Error> why_kubelet_is_hidden(const std::optional<std::vector<Process>>& processes);

// Errors: the kubelet is hidden, or one of its files cannot be read or understood.
Result<Kubelet> read_kubelet(const HostView& host, const std::optional<std::vector<Process>>& processes);

// "20m", "1h30m", "1200s", as Go writes durations.
std::optional<std::chrono::duration<double>> parse_go_duration(std::string_view text);

}  // namespace nvccd::preflight
