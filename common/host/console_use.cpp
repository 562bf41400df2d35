#include "common/host/console_use.h"

#include <fmt/format.h>

#include <algorithm>

namespace nvccd {
namespace {

namespace fs = std::filesystem;

std::string attribute(const fs::path& file) {
  return read_attribute(file).value_or("");
}

std::vector<fs::path> entries(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code none;  // a class of which the kernel has no devices is not there
  for (const auto& entry : fs::directory_iterator(directory, none))
    found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

// Whether a console of the kernel is shown now by a driver of that name: "(S) VGA+", "(M) frame buffer
// device".
bool console_is_on(const HostPaths& paths, std::string_view driver) {
  return std::ranges::any_of(entries(paths.sys + "/class/vtconsole"), [&](const fs::path& console) {
    return attribute(console / "bind") == "1" &&
           attribute(console / "name").find(driver) != std::string::npos;
  });
}

// What fb* belongs to: a PCI function, or one that stands for the framebuffer which the firmware has set up
// (efifb, simpledrm, vesafb). The latter is told by its place outside the PCI buses; newer kernels put it
// below the function that it is on.
struct FramebufferPlace {
  bool on_device = false;
  bool of_firmware = false;
};

FramebufferPlace place_of(const fs::path& framebuffer, const PciAddress& address) {
  std::error_code error;
  const auto device = fs::canonical(framebuffer / "device", error);
  if (error) return {};
  bool on_pci = false;
  for (const auto& part : device) {
    const auto function = PciAddress::parse(part.string());
    if (function == address) return {.on_device = true};
    on_pci |= function.has_value();
  }
  return {.of_firmware = !on_pci};
}

std::optional<std::string> find_framebuffer(const HostPaths& paths, const PciAddress& address,
                                            bool firmware_display) {
  for (const auto& framebuffer : entries(paths.sys + "/class/graphics")) {
    const auto name = framebuffer.filename().string();
    if (!name.starts_with("fb") || name == "fbcon") continue;
    const auto place = place_of(framebuffer, address);
    if (place.on_device) return fmt::format("the console is on its framebuffer {}", name);
    if (place.of_firmware && firmware_display)
      return fmt::format("the console is on the firmware's framebuffer {}, which is on it", name);
  }
  return std::nullopt;
}

// A screen that is lit: whoever shows something there has no console, but a desktop.
std::optional<std::string> find_screen(const fs::path& device) {
  for (const auto& card : entries(device / "drm"))
    for (const auto& connector : entries(card))
      if (attribute(connector / "enabled") == "enabled" && attribute(connector / "status") == "connected")
        return fmt::format("a screen is on its connector {}", connector.filename().string());
  return std::nullopt;
}

}  // namespace

std::optional<std::string> find_console_use(const HostPaths& paths, const PciAddress& address) {
  const auto device = paths.device(address);
  // The one that the firmware showed its own messages on.
  const bool firmware_display = attribute(device / "boot_vga") == "1";
  if (firmware_display && console_is_on(paths, "VGA")) return "the console is on it, in text mode";
  if (console_is_on(paths, "frame buffer"))
    if (auto use = find_framebuffer(paths, address, firmware_display)) return use;
  return find_screen(device);
}

}  // namespace nvccd
