// Which units a container gets. Pure functions.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kubernetes/device-plugin/units.h"

namespace nvccd::kubernetes {

using Ids = std::vector<std::string>;

struct Refusal {
  std::string reason;  // for people: which device, why, what to do
};

// The nodes below /dev/vfio that each of the containers gets, in the order of the requests and each node once
// a container. Refused as a whole when anything that was asked for is unknown, has a problem, is asked for
// twice, or is a part of a set.
std::expected<std::vector<std::vector<std::string>>, Refusal> allocate(const Advertisement& advertisement,
                                                                       std::string_view resource,
                                                                       std::span<const Ids> requests);

struct Preference {
  Ids available;
  Ids must_include;
  std::size_t size = 0;
};

// `size` of the available IDs, `must_include` first, then those that are closest together: on the NUMA nodes
// of those already chosen, then on as few other NUMA nodes as possible, leaving large free groups whole.
std::expected<Ids, Refusal> prefer(const Units& units, const Preference& preference);

}  // namespace nvccd::kubernetes
