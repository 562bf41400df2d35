// What is advertised to the kubelet. Pure functions of the state file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/formats/state_file.h"

namespace nvccd::kubernetes {

// What can be handed out only as one: the devices of an IOMMU group.
struct Unit {
  std::string id;                  // of its device with the lowest address: for Kubernetes and for CDI
  std::vector<int> numa_nodes;     // ascending
  std::vector<std::string> nodes;  // below /dev/vfio, by ascending address; empty while there are none
  std::string problem;             // why it cannot be used now; "" when it can
  bool in_set = false;             // goes to a container only together with all others that are in the set

  bool healthy() const { return problem.empty(); }
  bool operator==(const Unit&) const = default;
};

using Units = std::vector<Unit>;  // by ascending address, so by ascending ID on hosts with one kind of domain

struct Advertisement {
  std::map<std::string, Units> resources;  // by resource name, at least one unit each
  std::vector<std::string> refused;        // for people: what cannot be advertised, and why
};

// Unmanaged devices are not advertised. While the node is to be in ppcie, the devices with that mode are one
// set: a problem of one device is a problem of all.
Advertisement advertise(const PublishedState& state);

// Marks every unit as one that cannot be used now, because of `problem`.
void withdraw(Advertisement& advertisement, const std::string& problem);

}  // namespace nvccd::kubernetes
