// The names under which nvccd is found on the bus; shared by the daemon and nvccctl.
#pragma once

#include <string>

#include "common/model/node.h"
#include "common/model/pci_address.h"

namespace nvccd::dbus {

inline constexpr const char* bus_name = "org.nvccd1";
inline constexpr const char* manager_path = "/org/nvccd1";
inline constexpr const char* device_prefix = "/org/nvccd1/device";
inline constexpr const char* job_prefix = "/org/nvccd1/job";
inline constexpr const char* no_job_path = "/";

inline constexpr const char* manager_interface = "org.nvccd1.Manager";
inline constexpr const char* device_interface = "org.nvccd1.Device";
inline constexpr const char* job_interface = "org.nvccd1.Job";

inline std::string device_path(const PciAddress& address) {
  return std::string(device_prefix) + "/" + to_path_element(address);
}
inline std::string job_path(JobId id) {
  return std::string(job_prefix) + "/" + std::to_string(id);
}

}  // namespace nvccd::dbus
