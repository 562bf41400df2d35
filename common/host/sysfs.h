// Reading and writing sysfs attributes, and the names of those that concern PCI devices.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/fd.h"
#include "common/model/error.h"

namespace nvccd {

// Where the kernel's file systems are; other roots only in tests.
struct HostPaths {
  std::string sys = "/sys";
  std::string dev = "/dev";
  std::string proc = "/proc";

  std::filesystem::path device(const PciAddress& address) const {
    return sys + "/bus/pci/devices/" + to_string(address);
  }
  std::filesystem::path driver(std::string_view name) const {
    return sys + "/bus/pci/drivers/" + std::string(name);
  }
};

// Without the newline at the end. The error's cause names the file.
Result<std::string> read_attribute(const std::filesystem::path& file);
// The same for a file that was opened for this; the path is for the error.
Result<std::string> read_attribute(const UniqueFd& fd, const std::filesystem::path& file);

// 0x10de, 10de or -1.
Result<std::int64_t> read_number(const std::filesystem::path& file, int base);

// One write call, as sysfs wants it. Blocks as long as the kernel needs for what the attribute does.
Result<> write_attribute(const std::filesystem::path& file, std::string_view value);
Result<> write_attribute(const UniqueFd& fd, const std::filesystem::path& file, std::string_view value);

// The last element of the path a symbolic link points to; "" when there is no such link.
std::string link_name(const std::filesystem::path& link);

Result<UniqueFd> open_file(const std::filesystem::path& file, int flags);

// PCI functions of the device's IOMMU group, itself included; empty: it is in none.
std::vector<PciAddress> iommu_group_members(const HostPaths& paths, const PciAddress& address);

}  // namespace nvccd
