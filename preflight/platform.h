// The processor, the IOMMU and the kernel, by what the kernel says of them.
#pragma once

#include <map>
#include <set>

#include "preflight/host_view.h"

namespace nvccd::preflight {

struct Platform {
  // What the processor can do, whether or not it is used.
  bool can_sev_snp = false;
  bool can_tdx = false;
  std::vector<std::string> kernel_arguments;
  std::set<std::string> misc_devices;  // "kvm", "sev", "iommu"
  // How many of each thing that guests get the host has: "sev_es" -> 410. nullopt: the kernel does not say.
  std::optional<std::map<std::string, std::int64_t>> guest_capacity;
  bool has_securityfs = false;
  std::optional<Result<std::string>> lockdown;     // nullopt: there is no such file
  std::map<std::string, std::string> group_types;  // of each IOMMU group; "": it does not say
  bool has_iommu = false;                          // though it may not translate
  bool vfio_without_iommu = false;
};

Platform look_at_platform(const HostView& host);

}  // namespace nvccd::preflight
