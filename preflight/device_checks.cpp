// What the PCI hardware and the kernel say of each device, without touching its registers.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <sstream>

#include "preflight/check.h"

namespace nvccd::preflight {
namespace {

std::string file_of(const CheckedDevice& device, std::string_view name) {
  return fmt::format("/sys/bus/pci/devices/{}/{}", to_string(device.address), name);
}

std::string attribute(const Subject& subject, const CheckedDevice& device, std::string_view name) {
  auto text = subject.host.read(file_of(device, name)).value_or("");
  while (text.ends_with('\n'))
    text.pop_back();
  return text;
}

Verdict check_responding(const Subject& subject) {
  std::vector<std::string> dead;
  std::vector<std::string> unknown;
  for (const auto& device : subject.devices) {
    const auto config = subject.host.read(file_of(device, "config"), 4096);
    if (!config) unknown.push_back(to_string(device.address));
    if (config && config->starts_with("\xff\xff\xff\xff")) dead.push_back(to_string(device.address));
  }
  if (dead.empty() && !unknown.empty())
    return skip(fmt::format("the configuration space of {} cannot be read", fmt::join(unknown, ", ")));
  if (dead.empty()) return ok("every device answers");
  return fail(fmt::format("no answer, all registers read as ones: {}", fmt::join(dead, ", ")),
              "power-cycle the host; a device that stays so is broken or not seated well");
}

struct Bar {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t flags = 0;

  bool is_unassigned() const {
    constexpr std::uint64_t is_memory = 0x200;
    constexpr std::uint64_t is_unset = 0x20000000;  // the kernel found no place
    return (flags & is_memory) != 0 && ((flags & is_unset) != 0 || start == 0);
  }
  std::uint64_t size() const { return end > start ? end - start + 1 : 0; }
};

// Lines of "start end flags".
std::vector<Bar> parse_bars(const std::string& resources) {
  constexpr std::size_t most = 6;
  std::istringstream lines(resources);
  lines >> std::hex;
  std::vector<Bar> bars;
  // "0x" is accepted in front of hexadecimal numbers.
  for (Bar bar; bars.size() < most && lines >> bar.start >> bar.end >> bar.flags;)
    bars.push_back(bar);
  return bars;
}

std::string size_text(std::uint64_t bytes) {
  const auto mib = bytes >> 20U;
  return mib >= 1024 && mib % 1024 == 0 ? fmt::format("{} GiB", mib / 1024) : fmt::format("{} MiB", mib);
}

// The largest size in bytes that a resizable BAR can have; 0: it is not resizable, or only root may know.
std::uint64_t largest_size(const Subject& subject, const CheckedDevice& device, std::size_t bar) {
  const auto sizes =
      read_number(subject.host.path(file_of(device, fmt::format("resource{}_resize", bar))), 16);
  if (!sizes || *sizes <= 0) return 0;
  // Bit n stands for 2^n MiB, and the specification ends at n = 43.
  const auto largest = std::bit_floor(static_cast<std::uint64_t>(*sizes) & ((1ULL << 44U) - 1));
  return largest << 20U;
}

Verdict check_bars(const Subject& subject) {
  std::vector<std::string> bad;
  std::vector<std::string> small;
  std::size_t read = 0;
  for (const auto& device : subject.devices) {
    const auto resources = subject.host.read(file_of(device, "resource"));
    if (!resources) continue;
    ++read;
    const auto bars = parse_bars(*resources);
    if (std::ranges::any_of(bars, &Bar::is_unassigned)) bad.push_back(to_string(device.address));
    for (std::size_t number = 0; number < bars.size(); ++number)
      if (const auto largest = largest_size(subject, device, number);
          bars[number].size() > 0 && bars[number].size() < largest)
        small.push_back(fmt::format("BAR {} of {} has {} of {}", number, to_string(device.address),
                                    size_text(bars[number].size()), size_text(largest)));
  }
  if (read == 0) return skip("the kernel does not say which memory the devices have");
  constexpr auto advice =
      "enable Above 4G Decoding and large BARs in the firmware setup; booting with pci=realloc may help";
  if (!bad.empty())
    return fail(fmt::format("no address space for the memory of {}", fmt::join(bad, ", ")), advice);
  if (!small.empty())
    return warn(fmt::format("less address space than there could be: {}", fmt::join(small, "; ")), advice);
  return ok("all memory of the devices has its place");
}

Verdict check_link(const Subject& subject) {
  std::vector<std::string> down;
  std::vector<std::string> slow;
  std::size_t known = 0;
  for (const auto& device : subject.devices) {
    const auto width = attribute(subject, device, "current_link_width");
    const auto full_width = attribute(subject, device, "max_link_width");
    const auto speed = attribute(subject, device, "current_link_speed");
    const auto full_speed = attribute(subject, device, "max_link_speed");
    if (width.empty() || full_width.empty()) continue;
    ++known;
    if (width == "0") {
      down.push_back(to_string(device.address));
      continue;
    }
    // A device that sleeps may run its link slowly.
    const bool awake = attribute(subject, device, "power_state") == "D0";
    if (width != full_width || (awake && speed != full_speed))
      slow.push_back(fmt::format("{} has x{} at {} of x{} at {}", to_string(device.address), width, speed,
                                 full_width, full_speed));
  }
  if (!down.empty())
    return fail(fmt::format("no PCIe link: {}", fmt::join(down, ", ")),
                "seat the card anew, or power-cycle the host");
  if (!slow.empty())
    return warn(fmt::format("PCIe link slower than it could be: {}", fmt::join(slow, "; ")),
                "seat the card anew, and look at the slot and the firmware setup; an idle link may speed up "
                "by itself");
  if (known == 0) return skip("the kernel does not say how wide and fast the PCIe links are");
  return ok("every PCIe link has its full width and speed");
}

Verdict check_reset(const Subject& subject) {
  std::vector<std::string> without;
  for (const auto& device : subject.devices)
    if (!subject.host.has(file_of(device, "reset"))) without.push_back(to_string(device.address));
  if (without.empty()) return ok("every device can be reset");
  return fail(
      fmt::format("the kernel has no way to reset {}, so no mode can take effect", fmt::join(without, ", ")),
      "look at reset_method of the device in sysfs; another slot or a newer kernel may help");
}

constexpr Check device_check_rows[] = {
    {"device.responding", check_responding},
    {"device.memory", check_bars},
    {"device.link", check_link},
    {"device.reset", check_reset},
};

}  // namespace

std::span<const Check> device_checks() {
  return device_check_rows;
}

}  // namespace nvccd::preflight
