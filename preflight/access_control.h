// PCIe Access Control Services of a bridge: whether it lets devices below it talk to each other past the
// IOMMU.
#pragma once

#include <string_view>

namespace nvccd::preflight {

enum class AccessControl {
  on,
  off,      // the bridge could separate, but is not told to
  absent,   // it has no such capability; the kernel may know that it separates all the same
  unknown,  // only part of the configuration space could be read
};

// `config` is the bridge's configuration space, as much of it as could be read.
AccessControl read_access_control(std::string_view config);

}  // namespace nvccd::preflight
