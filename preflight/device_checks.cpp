// What the PCI hardware and the kernel say of each device, without touching its registers.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "preflight/check.h"

namespace nvccd::preflight {
namespace {

Verdict check_responding(const Subject& subject) {
  std::vector<std::string> dead;
  std::vector<std::string> unknown;
  for (const auto& device : subject.devices) {
    if (!device.answers) unknown.push_back(to_string(device.address));
    if (device.answers == false) dead.push_back(to_string(device.address));
  }
  if (dead.empty() && !unknown.empty())
    return skip(fmt::format("the configuration space of {} cannot be read", fmt::join(unknown, ", ")));
  if (dead.empty()) return ok("every device answers");
  return fail(fmt::format("no answer, all registers read as ones: {}", fmt::join(dead, ", ")),
              "power-cycle the host; a device that stays so is broken or not seated well");
}

std::string size_text(std::uint64_t bytes) {
  const auto mib = bytes >> 20U;
  return mib >= 1024 && mib % 1024 == 0 ? fmt::format("{} GiB", mib / 1024) : fmt::format("{} MiB", mib);
}

Verdict check_bars(const Subject& subject) {
  std::vector<std::string> bad;
  std::vector<std::string> small;
  std::size_t read = 0;
  for (const auto& device : subject.devices) {
    if (!device.bars) continue;
    ++read;
    const auto& bars = *device.bars;
    if (std::ranges::any_of(bars, &Bar::is_unassigned)) bad.push_back(to_string(device.address));
    for (std::size_t number = 0; number < bars.size(); ++number)
      if (const auto& bar = bars[number]; bar.size() > 0 && bar.size() < bar.largest)
        small.push_back(fmt::format("BAR {} of {} has {} of {}", number, to_string(device.address),
                                    size_text(bar.size()), size_text(bar.largest)));
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
    const auto& link = device.link;
    if (link.width.empty() || link.full_width.empty()) continue;
    ++known;
    if (link.width == "0") {
      down.push_back(to_string(device.address));
      continue;
    }
    // A device that sleeps may run its link slowly.
    if (link.width != link.full_width || (device.is_awake && link.speed != link.full_speed))
      slow.push_back(fmt::format("{} has x{} at {} of x{} at {}", to_string(device.address), link.width,
                                 link.speed, link.full_width, link.full_speed));
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
    if (!device.can_be_reset) without.push_back(to_string(device.address));
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
