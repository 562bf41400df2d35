// Text that the kernel, the command line or a file of ours hands in: addresses, modes, class codes.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/host/device_facts.h"
#include "common/model/mode.h"
#include "common/model/pci_address.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto address = nvccd::PciAddress::parse(text)) {
    // What was understood is written the same way again, and understood the same way again.
    const auto again = nvccd::PciAddress::parse(nvccd::to_string(*address));
    if (again != address) std::abort();
  }
  if (const auto mode = nvccd::parse_enum<nvccd::Mode>(text); mode && nvccd::to_string(*mode) != text)
    std::abort();
  if (size >= 6)
    (void)nvccd::classify(static_cast<std::uint16_t>(data[0] << 8 | data[1]),
                          static_cast<std::uint32_t>(data[2] << 16 | data[3] << 8 | data[4]));
  return 0;
}
