// Names of the sockets that serve the resources.
#pragma once

#include <string>
#include <string_view>

namespace nvccd::kubernetes {

// Every socket of ours has this in front.
inline constexpr std::string_view socket_prefix = "nvccd-";

// "nvccd-pgpu.sock" for "nvidia.com/pgpu". Different names have different sockets. `resource` has no problem.
std::string socket_name(std::string_view resource);

}  // namespace nvccd::kubernetes
