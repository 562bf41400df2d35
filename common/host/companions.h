// Companions: the NVIDIA functions beside a GPU that are no devices of their own, such as audio and USB.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/host/sysfs.h"

namespace nvccd {

// Functions of one card have the same domain, bus and device.
bool same_slot(const PciAddress& one, const PciAddress& other);

// The companions that are bound and released along with a device, so that a VM may use its IOMMU group: those
// in the group that are in the device's slot, or in a slot without a device. A companion in the slot of
// another GPU or switch is the business of that device, which the settings may exclude.
std::vector<PciAddress> find_companions(const HostPaths& paths, const PciAddress& address);

// Whether nvccd may take a companion over from this driver of the host. Any other driver may be there on
// purpose, above all one that reserves a function for somebody: pciback, pci-stub.
bool is_companion_driver(std::string_view driver);

// What uses a companion through its driver, in words; nullopt: nothing does. In doubt the companion is in
// use.
std::optional<std::string> find_companion_use(const HostPaths& paths, const PciAddress& companion,
                                              const std::string& driver);

}  // namespace nvccd
