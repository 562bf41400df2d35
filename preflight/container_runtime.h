// containerd or CRI-O, and Kata Containers below it.
#pragma once

#include "common/text/configuration_text.h"
#include "preflight/host_view.h"
#include "preflight/processes.h"

namespace nvccd::preflight {

enum class RuntimeKind { containerd, crio };

struct Handler {
  std::string name;                     // "kata-qemu-nvidia-gpu-snp"
  std::string kata_config = {};         // Kata's configuration file; "" where the runtime does not say
  Result<ConfigurationText> kata = {};  // content of that file and of the drop-ins beside it
};

struct ContainerRuntime {
  RuntimeKind kind = RuntimeKind::containerd;
  std::vector<Handler> handlers;
  // nullopt: CDI is not set, and whether the runtime enables it by itself is not known.
  std::optional<bool> cdi;
  std::vector<std::string> cdi_directories;  // empty: the usual ones
};

// `endpoint` is the kubelet's containerRuntimeEndpoint, "" when it has none. Errors: there is no runtime, or
// its configuration cannot be read or understood.
Result<ContainerRuntime> read_container_runtime(const HostView& host,
                                                const std::optional<std::vector<Process>>& processes,
                                                const std::string& endpoint);

}  // namespace nvccd::preflight
