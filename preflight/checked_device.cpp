#include "preflight/checked_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <sstream>

#include "common/host/companions.h"
#include "common/host/kernel_modules.h"
#include "common/host/topology.h"

namespace nvccd::preflight {
namespace {

bool is_host_or_pci_bridge(const HostPaths& paths, const PciAddress& address) {
  constexpr std::uint32_t host_bridge = 0x0600;
  constexpr std::uint32_t pci_bridge = 0x0604;
  const auto device_class = read_class(paths, address);
  return device_class && (*device_class >> 8 == host_bridge || *device_class >> 8 == pci_bridge);
}

// The largest size in bytes that a resizable BAR can have; 0: it is not resizable, or only root may know.
std::uint64_t largest_size(const std::filesystem::path& directory, std::size_t bar) {
  const auto sizes = read_number(directory / fmt::format("resource{}_resize", bar), 16);
  if (!sizes || *sizes <= 0) return 0;
  // Bit n stands for 2^n MiB, and the specification ends at n = 43.
  const auto largest = std::bit_floor(static_cast<std::uint64_t>(*sizes) & ((1ULL << 44U) - 1));
  return largest << 20U;
}

// Lines of "start end flags".
std::vector<Bar> parse_bars(const std::string& resources, const std::filesystem::path& directory) {
  constexpr std::size_t most = 6;
  std::istringstream lines(resources);
  lines >> std::hex;
  std::vector<Bar> bars;
  // "0x" is accepted in front of hexadecimal numbers.
  for (Bar bar; bars.size() < most && lines >> bar.start >> bar.end >> bar.flags;) {
    bar.largest = largest_size(directory, bars.size());
    bars.push_back(bar);
  }
  return bars;
}

}  // namespace

bool Bar::is_unassigned() const {
  constexpr std::uint64_t is_memory = 0x200;
  constexpr std::uint64_t is_unset = 0x20000000;  // the kernel found no place
  return (flags & is_memory) != 0 && ((flags & is_unset) != 0 || start == 0);
}

CheckedDevice look_at_device(const HostView& host, const PciAddress& address, const DeviceFacts& facts) {
  const auto paths = host.kernel();
  const auto directory = "/sys/bus/pci/devices/" + to_string(address);
  const auto attribute = [&](const char* name) {
    auto text = host.read(fmt::format("{}/{}", directory, name)).value_or("");
    text.resize(std::min(text.size(), text.find('\n')));
    return text;
  };
  CheckedDevice device{.address = address, .facts = facts};
  for (const auto& member : iommu_group_members(paths, address))
    if (!same_slot(member, address) && !is_host_or_pci_bridge(paths, member))
      device.strangers.push_back(member);
  device.bridges = bridges_above(paths, address);
  if (const auto config = host.read(directory + "/config", 4096))
    device.answers = !config->starts_with("\xff\xff\xff\xff");
  if (const auto resources = host.read(directory + "/resource"))
    device.bars = parse_bars(*resources, paths.device(address));
  device.link = {.width = attribute("current_link_width"),
                 .full_width = attribute("max_link_width"),
                 .speed = attribute("current_link_speed"),
                 .full_speed = attribute("max_link_speed")};
  device.is_awake = attribute("power_state") == "D0";
  device.can_be_reset = host.has(directory + "/reset");
  device.module = link_name(paths.driver(facts.driver) / "module");
  if (const auto modalias = read_attribute(paths.device(address) / "modalias")) {
    device.autoloaded = find_allowed_modules(*modalias, host.root());
    device.vfio_modules = find_vfio_modules(*modalias, host.root());
  }
  return device;
}

}  // namespace nvccd::preflight
