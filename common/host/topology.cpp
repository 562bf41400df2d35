#include "common/host/topology.h"

namespace nvccd {

std::vector<PciAddress> bridges_above(const HostPaths& paths, const PciAddress& address) {
  std::vector<PciAddress> bridges;
  std::error_code error;
  // The kernel has a device's directory in that of the bridge above it.
  const auto directory = std::filesystem::canonical(paths.device(address), error);
  for (const auto& part : directory.parent_path())
    if (const auto bridge = PciAddress::parse(part.string())) bridges.push_back(*bridge);
  return bridges;
}

}  // namespace nvccd
