#include "common/host/pci_names.h"

extern "C" {
#include <pci/pci.h>
}

#include <array>
#include <memory>

namespace nvccd {
namespace {

struct PciAccessDeleter {
  void operator()(pci_access* access) const { pci_cleanup(access); }
};

void ignore_message(char*, ...) {}

}  // namespace

std::string look_up_device_name(std::uint16_t vendor, std::uint16_t device) {
  // An access of its own for each look-up: libpci's are not for several threads, and the database need not
  // stay in memory for ever. pci_init() is not called: it would scan the bus. It would also set these two,
  // which libpci calls without looking.
  const std::unique_ptr<pci_access, PciAccessDeleter> access(pci_alloc());
  access->warning = ignore_message;
  access->debug = ignore_message;
  std::array<char, 256> buffer{};
  const char* name = pci_lookup_name(access.get(), buffer.data(), static_cast<int>(buffer.size()),
                                     PCI_LOOKUP_DEVICE | PCI_LOOKUP_NO_NUMBERS, int{vendor}, int{device});
  if (name != nullptr) return name;
  name = pci_lookup_name(access.get(), buffer.data(), static_cast<int>(buffer.size()), PCI_LOOKUP_DEVICE,
                         int{vendor}, int{device});
  return name != nullptr ? name : "unknown";
}

const std::string& DeviceNames::find(std::uint16_t vendor, std::uint16_t device) {
  const std::lock_guard lock(mutex_);
  auto& name = names_[{vendor, device}];
  if (name.empty()) name = look_up_device_name(vendor, device);
  return name;
}

}  // namespace nvccd
