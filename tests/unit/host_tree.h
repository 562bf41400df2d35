// The kernel's file systems as plain files: they store what is written and show it, and do nothing by
// themselves.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "common/host/sysfs.h"
#include "tests/support/temporary_directory.h"

namespace nvccd::test {

class HostTree {
 public:
  HostTree() {
    for (const auto* name : {"sys/bus/pci/devices", "sys/bus/pci/drivers", "dev/vfio/devices", "proc"})
      std::filesystem::create_directories(root_.path() / name);
    write(paths_.sys + "/bus/pci/drivers_probe", "");
  }

  const HostPaths& paths() const { return paths_; }

  void add_device(const PciAddress& address, const char* vendor, const char* device,
                  const char* device_class) {
    const auto directory = paths_.device(address);
    write(directory / "vendor", std::string(vendor) + "\n");
    write(directory / "device", std::string(device) + "\n");
    write(directory / "class", std::string(device_class) + "\n");
    write(directory / "numa_node", "-1\n");
    write(directory / "driver_override", "");
    write(directory / "power/control", "auto\n");
    write(directory / "power_state", "D0\n");
  }

  void add_driver(const std::string& name) { write(paths_.driver(name) / "unbind", ""); }

  void bind(const PciAddress& address, const std::string& driver) {
    add_driver(driver);
    link(paths_.device(address) / "driver", paths_.driver(driver));
  }

  // Puts the devices into a group of that number, whose VFIO node exists.
  void group(int number, std::initializer_list<PciAddress> members) {
    const auto directory = std::filesystem::path(paths_.sys) / "kernel/iommu_groups" / std::to_string(number);
    for (const auto& member : members) {
      std::filesystem::create_directories(directory / "devices");
      link(directory / "devices" / to_string(member), paths_.device(member));
      link(paths_.device(member) / "iommu_group", directory);
    }
    write(std::filesystem::path(paths_.dev) / "vfio" / std::to_string(number), "");
  }

  static void write(const std::filesystem::path& file, std::string_view text) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  static std::string read(const std::filesystem::path& file) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }

  static void link(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::filesystem::create_directories(from.parent_path());
    std::filesystem::remove(from);
    std::filesystem::create_directory_symlink(to, from);
  }

 private:
  TemporaryDirectory root_;
  HostPaths paths_{.sys = root_.path() / "sys", .dev = root_.path() / "dev", .proc = root_.path() / "proc"};
};

}  // namespace nvccd::test
