#include "kubernetes/device-plugin/socket_name.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/formats/resource_name.h"

namespace nvccd::kubernetes {

std::string socket_name(std::string_view resource) {
  // A domain has no _ in it, so this is not the socket of another name.
  std::string name(resource.starts_with(resource_domain) ? resource.substr(resource_domain.size())
                                                         : resource);
  std::ranges::replace(name, '/', '_');
  return fmt::format("{}{}.sock", socket_prefix, name);
}

}  // namespace nvccd::kubernetes
