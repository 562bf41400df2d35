// Companions: the NVIDIA functions beside a GPU that are no devices of their own, such as audio and USB.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/host/sysfs.h"

namespace nvccd {

// Functions of one card have the same domain, bus and device.
bool same_slot(const PciAddress& one, const PciAddress& other);

// What is bound and released along with a device, so that a VM may use its IOMMU group: the companions in the
// group that are in the device's slot, and those in whose slot there is no device. Those of another GPU or
// switch are the business of that one, which the settings may exclude.
std::vector<PciAddress> find_companions(const HostPaths& paths, const PciAddress& address);

// A driver of the host from which a companion may be taken. Every other one may be there on purpose, above
// all those that keep a function for somebody: pciback, pci-stub.
bool is_companion_driver(std::string_view driver);

// What uses a companion through its driver, in words; nullopt: nothing does. In doubt it is in use.
std::optional<std::string> find_companion_use(const HostPaths& paths, const PciAddress& companion,
                                              const std::string& driver);

}  // namespace nvccd
