// Names of devices, from the pci.ids database.
#pragma once

#include <cstdint>
#include <string>

namespace nvccd {

// "GH100 [H100 SXM5 80GB]"; "Device 2330" when the database does not know it. Safe from every thread.
std::string pci_device_name(std::uint16_t vendor, std::uint16_t device);

}  // namespace nvccd
