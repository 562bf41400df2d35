// What libvirt's description of a virtual machine says of devices.
#pragma once

#include <string_view>
#include <vector>

#include "common/model/pci_address.h"

namespace nvccd::preflight {

// PCI devices that libvirt itself takes from their driver and gives back (hostdev with managed='yes'). Reads
// what libvirt writes, and finds nothing in anything else.
std::vector<PciAddress> find_managed_devices(std::string_view xml);

}  // namespace nvccd::preflight
