// Files of other programs that the preflight checks read.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/text/configuration_text.h"
#include "preflight/access_control.h"
#include "preflight/kubelet.h"
#include "preflight/libvirt_domain.h"

namespace {

void merge_with_itself(const nvccd::Result<nvccd::ConfigurationText>& parsed) {
  if (!parsed) return;
  auto merged = *parsed;
  merged.merge(*parsed);
  if (merged.values() != parsed->values()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 5) {
    case 0:
      merge_with_itself(nvccd::parse_yaml(text));
      break;
    case 1:
      merge_with_itself(nvccd::parse_toml(text));
      break;
    case 2:
      (void)nvccd::preflight::find_managed_devices(text);
      break;
    case 3:
      if (const auto duration = nvccd::preflight::parse_go_duration(text);
          duration && !(duration->count() >= 0))
        std::abort();
      break;
    default:
      // As a whole configuration space.
      (void)nvccd::preflight::read_access_control(text +
                                                  std::string(4096, text.empty() ? '\0' : text.back()));
  }
  return 0;
}
