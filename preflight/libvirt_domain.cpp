#include "preflight/libvirt_domain.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace nvccd::preflight {
namespace {

// What is between the two texts; "" when one is missing.
std::string_view between(std::string_view text, std::string_view begin, std::string_view end) {
  const auto from = text.find(begin);
  if (from == std::string_view::npos) return {};
  text.remove_prefix(from + begin.size());
  const auto to = text.find(end);
  return to == std::string_view::npos ? std::string_view() : text.substr(0, to);
}

std::string_view attribute(std::string_view tag, std::string_view name) {
  const auto start = " " + std::string(name) + "=";
  const auto value = between(tag, start + "'", "'");
  return value.empty() ? between(tag, start + "\"", "\"") : value;
}

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t highest) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size() || value > highest) return std::nullopt;
  return value;
}

std::optional<PciAddress> read_address(std::string_view tag) {
  const auto domain = number(attribute(tag, "domain"), 0xffffffff);
  const auto bus = number(attribute(tag, "bus"), 0xff);
  const auto slot = number(attribute(tag, "slot"), 0x1f);
  const auto function = number(attribute(tag, "function"), 7);
  if (!domain || !bus || !slot || !function) return std::nullopt;
  return PciAddress{*domain, static_cast<std::uint8_t>(*bus), static_cast<std::uint8_t>(*slot),
                    static_cast<std::uint8_t>(*function)};
}

}  // namespace

std::vector<PciAddress> find_managed_devices(std::string_view xml) {
  constexpr std::string_view begin = "<hostdev";
  std::vector<PciAddress> devices;
  for (auto at = xml.find(begin); at != std::string_view::npos; at = xml.find(begin)) {
    xml.remove_prefix(at + begin.size());
    const auto device = xml.substr(0, std::min(xml.find("</hostdev>"), xml.size()));
    const auto tag = device.substr(0, std::min(device.find('>'), device.size()));
    const auto address = read_address(between(between(device, "<source>", "</source>"), "<address", ">"));
    if (attribute(tag, "managed") == "yes" && address) devices.push_back(*address);
  }
  return devices;
}

}  // namespace nvccd::preflight
