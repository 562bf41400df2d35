// Names of Kubernetes' extended resources, and of the sockets that serve them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nvccd::kubernetes {

// Why the kubelet, a pod or CDI, whose kinds have the same names, could not use the name; nullopt when they
// can.
std::optional<std::string> problem_of_resource_name(std::string_view name);

// Every socket of ours has this in front.
inline constexpr std::string_view socket_prefix = "nvccd-";

// "nvccd-pgpu.sock" for "nvidia.com/pgpu". Different names have different sockets. `resource` has no problem.
std::string socket_name(std::string_view resource);

}  // namespace nvccd::kubernetes
