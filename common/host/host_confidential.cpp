#include "common/host/host_confidential.h"
#include "common/host/sysfs.h"

namespace nvccd {

HostConfidential detect_host_confidential(const std::string& sys_root) {
  const auto is_on = [&](const char* parameter) {
    const auto value = read_attribute(sys_root + parameter);
    return value && (*value == "Y" || *value == "y" || *value == "1");
  };
  if (is_on("/module/kvm_intel/parameters/tdx")) return HostConfidential::tdx;
  if (is_on("/module/kvm_amd/parameters/sev_snp")) return HostConfidential::sev_snp;
  return HostConfidential::none;
}

}  // namespace nvccd
