// Makes a resource known to the kubelet.
#pragma once

#include <filesystem>
#include <string>

#include "model/error.h"

namespace nvccd::kubernetes {

inline constexpr const char* kubelet_socket_name = "kubelet.sock";

// Blocks, for seconds when the kubelet does not answer. `socket` is the name of the socket that serves the
// resource, in the kubelet's directory. Thread-safe.
Result<> register_with_kubelet(const std::filesystem::path& kubelet_dir, const std::string& socket,
                               const std::string& resource);

}  // namespace nvccd::kubernetes
