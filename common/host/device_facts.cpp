#include "common/host/device_facts.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <sstream>

#include "common/host/companions.h"
#include "common/host/group_obstacle.h"
#include "common/host/virtual_functions.h"

namespace nvccd {
namespace {

constexpr std::uint16_t nvidia_vendor = 0x10de;

std::string existing(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) ? path.string() : std::string();
}

std::optional<std::filesystem::path> first_entry(const std::filesystem::path& directory) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(directory, error);
  if (error || entries == std::filesystem::directory_iterator()) return std::nullopt;
  return entries->path();
}

// The first line of "resource": start, end and flags of BAR0, as the kernel has them.
std::optional<std::uint64_t> read_bar0(const std::filesystem::path& directory) {
  constexpr std::uint64_t is_memory = 0x200;
  constexpr std::uint64_t has_no_place = 0x20000000;
  const auto text = read_attribute(directory / "resource");
  if (!text) return std::nullopt;
  std::istringstream numbers(*text);
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t flags = 0;
  if (!(numbers >> std::hex >> start >> end >> flags)) return std::nullopt;
  if (start == 0 || (flags & is_memory) == 0 || (flags & has_no_place) != 0) return std::nullopt;
  return start;
}

}  // namespace

std::optional<DeviceKind> classify(std::uint16_t vendor, std::uint32_t device_class) {
  if (vendor != nvidia_vendor) return std::nullopt;
  switch (device_class) {
    case 0x030000:  // VGA controller
    case 0x030200:  // 3D controller
      return DeviceKind::gpu;
    case 0x068000:  // other bridge
      return DeviceKind::nvswitch;
    default:
      return std::nullopt;
  }
}

std::optional<DeviceKind> find_kind(const HostPaths& paths, const PciAddress& address) {
  const auto device_class = read_class(paths, address);
  if (!device_class || !is_nvidia(paths, address) || is_virtual_function(paths, address)) return std::nullopt;
  return classify(nvidia_vendor, *device_class);
}

bool is_bridge(std::uint32_t device_class) {
  return device_class >> 16 == 0x06;
}

Result<std::uint32_t> read_class(const HostPaths& paths, const PciAddress& address) {
  const auto value = read_number(paths.device(address) / "class", 16);
  if (!value) return std::unexpected(value.error());
  return static_cast<std::uint32_t>(*value & 0xffffff);
}

bool is_nvidia(const HostPaths& paths, const PciAddress& address) {
  const auto vendor = read_number(paths.device(address) / "vendor", 16);
  return vendor && *vendor == nvidia_vendor;
}

std::vector<PciAddress> list_devices(const HostPaths& paths) {
  std::vector<PciAddress> devices;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(paths.sys + "/bus/pci/devices", error)) {
    const auto address = PciAddress::parse(entry.path().filename().string());
    if (address && find_kind(paths, *address)) devices.push_back(*address);
  }
  std::ranges::sort(devices);
  return devices;
}

bool is_vfio_driver(const HostPaths& paths, std::string_view driver) {
  if (driver.empty()) return false;
  if (driver.find("vfio") != std::string_view::npos) return true;
  const auto module = link_name(paths.driver(driver) / "module");
  return module.find("vfio") != std::string::npos;
}

bool is_bound_to_vfio(const HostPaths& paths, const PciAddress& address) {
  return is_vfio_driver(paths, link_name(paths.device(address) / "driver"));
}

Result<DeviceFacts> read_facts(const HostPaths& paths, const PciAddress& address) {
  const auto directory = paths.device(address);
  const auto gone = [&](const Error&) {
    return std::unexpected(Error{.kind = ErrorKind::no_such_device,
                                 .cause = "there is no such device on this host (any more)",
                                 .device = address});
  };
  const auto vendor = read_number(directory / "vendor", 16);
  if (!vendor) return gone(vendor.error());
  const auto device = read_number(directory / "device", 16);
  if (!device) return gone(device.error());
  const auto device_class = read_class(paths, address);
  if (!device_class) return gone(device_class.error());

  DeviceFacts facts;
  // The kernel makes the directory anew for each device that comes, and sysfs gives no number twice.
  if (struct stat status{}; ::stat(directory.c_str(), &status) == 0) facts.instance = status.st_ino;
  facts.vendor_id = static_cast<std::uint16_t>(*vendor);
  facts.device_id = static_cast<std::uint16_t>(*device);
  if (is_virtual_function(paths, address))
    return std::unexpected(Error{.kind = ErrorKind::no_such_device,
                                 .cause = "this is a virtual function, which belongs to its physical one",
                                 .device = address});
  const auto kind = classify(facts.vendor_id, *device_class);
  if (!kind)
    return std::unexpected(Error{
        .kind = ErrorKind::no_such_device, .cause = "this is no NVIDIA GPU or NVSwitch", .device = address});
  facts.kind = *kind;
  facts.driver = link_name(directory / "driver");
  facts.driver_is_vfio = is_vfio_driver(paths, facts.driver);
  facts.companions_bound =
      std::ranges::all_of(find_companions(paths, address),
                          [&](const PciAddress& companion) { return is_bound_to_vfio(paths, companion); });
  facts.group_obstacle = find_group_obstacle(paths, address);
  if (const auto numa = read_number(directory / "numa_node", 10); numa && *numa >= 0)
    facts.numa_node = static_cast<int>(*numa);

  facts.bar0 = read_bar0(directory);

  const auto group = link_name(directory / "iommu_group");
  if (!group.empty()) {
    facts.iommu_group = std::atoi(group.c_str());
    facts.vfio_group = existing(paths.dev + "/vfio/" + group);
  }
  if (const auto entry = first_entry(directory / "vfio-dev"))
    facts.vfio_device = existing(paths.dev + "/vfio/devices/" + entry->filename().string());
  return facts;
}

}  // namespace nvccd
