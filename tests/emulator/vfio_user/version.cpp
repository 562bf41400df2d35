#include "version.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace emulator::vfio_user {

namespace {

using nlohmann::json;

std::expected<json, std::string> proposed_capabilities(std::span<const std::byte> data) {
  if (data.empty()) return json::object();
  if (data.back() != std::byte{0}) return std::unexpected("version data does not end in a NUL byte");
  std::string text(data.size() - 1, '\0');
  std::transform(data.begin(), data.end() - 1, text.begin(),
                 [](std::byte b) { return static_cast<char>(b); });
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return std::unexpected("version data is not a JSON object");
  const json capabilities = document.value("capabilities", json::object());
  if (!capabilities.is_object()) return std::unexpected("\"capabilities\" is not a JSON object");
  return capabilities;
}

}  // namespace

std::expected<Negotiated, std::string> negotiate(std::span<const std::byte> proposal) {
  const auto version = decode<Version>(proposal);
  if (!version) return std::unexpected("version message is too short");
  if (version->major != major_version) {
    return std::unexpected(
        fmt::format("client speaks major version {}, only {} is known", version->major, major_version));
  }
  const auto proposed = proposed_capabilities(proposal.subspan(sizeof(Version)));
  if (!proposed) return std::unexpected(proposed.error());

  // The reply may only name what the client named. QEMU keeps its own proposal's size as the reply's
  // limit, so the reply must not be longer than the proposal either.
  json accepted = json::object();
  const auto limit = [&](const char* name, std::uint32_t ours) {
    const auto found = proposed->find(name);
    if (found == proposed->end()) return true;
    if (!found->is_number_unsigned()) return false;
    accepted[name] = std::min<std::uint64_t>(found->get<std::uint64_t>(), ours);
    return true;
  };
  for (const auto& [name, ours] :
       {std::pair{"max_msg_fds", max_message_fds}, std::pair{"max_data_xfer_size", max_transfer_size},
        std::pair{"max_dma_maps", max_dma_maps}}) {
    if (!limit(name, ours)) return std::unexpected(fmt::format("capability \"{}\" is not a number", name));
  }
  if (proposed->contains("pgsizes")) accepted["pgsizes"] = page_sizes;

  Negotiated result;
  if (const auto found = proposed->find("write_multiple"); found != proposed->end()) {
    if (!found->is_boolean()) return std::unexpected("capability \"write_multiple\" is not a boolean");
    result.write_multi = found->get<bool>();
    if (result.write_multi) accepted["write_multiple"] = true;
  }

  append(result.reply, Version{major_version, std::min(version->minor, minor_version)});
  const std::string text = json{{"capabilities", accepted}}.dump();
  const auto bytes = std::as_bytes(std::span(text.c_str(), text.size() + 1));
  result.reply.insert(result.reply.end(), bytes.begin(), bytes.end());
  return result;
}

}  // namespace emulator::vfio_user
