#include "common/host/companions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/host/device_facts.h"
#include "common/host/driver_use.h"
#include "common/host/virtual_functions.h"

namespace nvccd {
namespace {

constexpr std::string_view audio_driver = "snd_hda_intel";
constexpr std::string_view usb_driver = "xhci_hcd";
// The one of nvidia-gpu is the I2C bus of the UCSI function.
constexpr std::array companion_drivers = {audio_driver, usb_driver, std::string_view("nvidia-gpu")};

bool slot_has_device(const HostPaths& paths, const PciAddress& companion) {
  for (PciAddress function = {companion.domain, companion.bus, companion.device, 0}; function.function < 8;
       ++function.function)
    if (find_kind(paths, function)) return true;
  return false;
}

bool is_companion(const HostPaths& paths, const PciAddress& function) {
  const auto device_class = read_class(paths, function);
  return device_class && is_nvidia(paths, function) && !find_kind(paths, function) &&
         !is_virtual_function(paths, function) && !is_bridge(*device_class);
}

std::vector<std::string> entries(const std::filesystem::path& directory, std::string_view prefix) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    if (auto name = entry.path().filename().string(); name.starts_with(prefix)) names.push_back(name);
  std::ranges::sort(names);
  return names;
}

// A stream that somebody has opened is in another state than closed, be it silent.
std::optional<std::string> find_open_stream(const HostPaths& paths, const PciAddress& companion) {
  for (const auto& card : entries(paths.device(companion) / "sound", "card")) {
    const auto card_directory = std::filesystem::path(paths.proc) / "asound" / card;
    for (const auto& stream : entries(card_directory, "pcm"))
      for (const auto& part : entries(card_directory / stream, "sub")) {
        const auto status = read_attribute(card_directory / stream / part / "status");
        if (!status || *status != "closed") return fmt::format("sound stream {} of {} is open", stream, card);
      }
  }
  return std::nullopt;
}

// usb1 is the controller's own hub, 1-4 what is plugged into it; 1-0:1.0 is a part of the hub.
std::optional<std::string> find_usb_device(const HostPaths& paths, const PciAddress& companion) {
  for (const auto& hub : entries(paths.device(companion), "usb")) {
    if (hub.size() == 3) continue;
    for (const auto& name : entries(paths.device(companion) / hub, hub.substr(3) + "-"))
      if (!name.contains(':')) return fmt::format("USB device {} is plugged in", name);
  }
  return std::nullopt;
}

}  // namespace

bool same_slot(const PciAddress& one, const PciAddress& other) {
  return one.domain == other.domain && one.bus == other.bus && one.device == other.device;
}

std::vector<PciAddress> find_companions(const HostPaths& paths, const PciAddress& address) {
  auto functions = iommu_group_members(paths, address);
  std::erase_if(functions, [&](const PciAddress& function) {
    return !is_companion(paths, function) ||
           !(same_slot(function, address) || !slot_has_device(paths, function));
  });
  return functions;
}

bool is_companion_driver(std::string_view driver) {
  return std::ranges::find(companion_drivers, driver) != companion_drivers.end();
}

std::optional<std::string> find_companion_use(const HostPaths& paths, const PciAddress& companion,
                                              const std::string& driver) {
  // Open files of a controller do not show in the use count of its driver, plugged devices do nowhere else.
  if (driver == usb_driver) return find_usb_device(paths, companion);
  if (driver == audio_driver)
    if (auto stream = find_open_stream(paths, companion)) return stream;
  return find_driver_use(paths, driver);  // mixers, and the bus
}

}  // namespace nvccd
