// Names of devices, from the pci.ids database.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace nvccd {

// "GH100 [H100 SXM5 80GB]"; "Device 2330" when the database does not know it. Reads a database of megabytes.
std::string look_up_device_name(std::uint16_t vendor, std::uint16_t device);

// Looks each name up once. May be called from any thread.
class DeviceNames {
 public:
  const std::string& find(std::uint16_t vendor, std::uint16_t device);

 private:
  std::mutex mutex_;
  std::map<std::pair<std::uint16_t, std::uint16_t>, std::string> names_;
};

}  // namespace nvccd
