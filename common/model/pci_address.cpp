#include "common/model/pci_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace nvccd {
namespace {

// A hexadecimal number that fills `text` completely.
std::optional<std::uint32_t> parse_hex(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string replace_all(std::string text, std::string_view from, char to) {
  std::ranges::replace_if(text, [&](char c) { return from.contains(c); }, to);
  return text;
}

}  // namespace

std::optional<PciAddress> PciAddress::parse(std::string_view text) {
  const auto colon = text.find(':');
  // After the domain come exactly ":bb:dd.f".
  if (colon == std::string_view::npos || colon < 4 || colon > 8 || text.size() != colon + 8)
    return std::nullopt;
  if (text[colon + 3] != ':' || text[colon + 6] != '.') return std::nullopt;
  const auto domain = parse_hex(text.substr(0, colon));
  const auto bus = parse_hex(text.substr(colon + 1, 2));
  const auto device = parse_hex(text.substr(colon + 4, 2));
  const auto function = parse_hex(text.substr(colon + 7, 1));
  if (!domain || !bus || !device || !function || *device > 31 || *function > 7) return std::nullopt;
  return PciAddress{*domain, static_cast<std::uint8_t>(*bus), static_cast<std::uint8_t>(*device),
                    static_cast<std::uint8_t>(*function)};
}

std::string to_string(const PciAddress& address) {
  return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", address.domain, address.bus, address.device,
                     address.function);
}

std::string to_path_element(const PciAddress& address) {
  return replace_all(to_string(address), ":.", '_');
}

std::string to_stable_id(const PciAddress& address) {
  return replace_all(to_string(address), ":", '-');
}

}  // namespace nvccd
