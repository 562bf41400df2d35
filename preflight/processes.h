// Programs that run on the host, by what /proc says of them.
#pragma once

#include <optional>

#include "preflight/host_view.h"

namespace nvccd::preflight {

// Everybody can start a process of any name, so only those of root count.
struct Process {
  std::string pid;
  std::vector<std::string> arguments;  // at least one
  // The process sees the files that the host's own programs see; a process in a container does not.
  bool in_host_root = true;

  std::string name() const;  // "kubelet" for /usr/bin/kubelet
  // The value of --name VALUE or --name=VALUE, the last if there are several.
  std::optional<std::string> option(std::string_view name) const;
};

// nullopt: other processes cannot be seen (ProtectProc=, hidepid=), and what they do is not to be guessed.
std::optional<std::vector<Process>> list_processes(const HostView& host);

Error hidden_processes();

// Whether systemd runs the service.
bool service_runs(const HostView& host, std::string_view unit);

}  // namespace nvccd::preflight
