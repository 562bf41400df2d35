// nvccd itself: its settings, its unit, its state file, and what it made of the devices.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <set>

#include "preflight/check.h"

namespace nvccd::preflight {
namespace {

Verdict check_settings(const Subject& subject) {
  if (!subject.settings)
    return fail(subject.settings.error().message(),
                "correct the file, then systemctl reload-or-restart nvccd");
  if (const auto& warnings = subject.settings->warnings; !warnings.empty())
    return warn(fmt::format("{}", fmt::join(warnings, "; ")),
                "correct or remove it, then systemctl reload nvccd");
  return ok("the settings are valid");
}

Verdict check_enabled(const Subject& subject) {
  // The link as it stands: with a root directory of its own its target is elsewhere.
  std::error_code error;
  const auto link = subject.host.path("/etc/systemd/system/multi-user.target.wants/nvccd.service");
  if (std::filesystem::is_symlink(link, error)) return ok("nvccd starts at boot");
  return warn("nvccd is not enabled: nothing binds the devices at boot", "systemctl enable --now nvccd");
}

// The addresses that a state file lists.
Result<std::set<std::string>> read_state_devices(const HostView& host, const std::string& state_file) {
  const auto text = host.read(state_file);
  if (!text) return std::unexpected(text.error());
  const auto document = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  const Error not_ours{.cause = fmt::format("{} is not what nvccd writes", state_file)};
  if (!document.is_object() || !document.contains("devices") || !document["devices"].is_array())
    return std::unexpected(not_ours);
  std::set<std::string> addresses;
  for (const auto& device : document["devices"]) {
    if (!device.is_object() || !device.contains("address") || !device["address"].is_string())
      return std::unexpected(not_ours);
    addresses.insert(device["address"].get<std::string>());
  }
  return addresses;
}

Verdict check_state_file(const Subject& subject) {
  const auto& state_file = subject.state_file;
  const bool exists = subject.host.has(state_file);
  if (!subject.daemon)
    return exists ? fail(fmt::format("{} is there, but nvccd is not: programs read an old state", state_file),
                         "systemctl restart nvccd")
                  : skip("nvccd does not run, so there is no state file");
  if (!exists)
    return fail(fmt::format("there is no {}", state_file),
                "see journalctl -u nvccd for why it cannot be written");
  const auto listed = read_state_devices(subject.host, state_file);
  if (!listed) return fail(listed.error().message(), "systemctl restart nvccd");
  std::set<std::string> known;
  for (const auto& [address, device] : subject.daemon->devices)
    known.insert(to_string(address));
  if (*listed != known)
    return fail(fmt::format("{} lists other devices than nvccd knows", state_file),
                "systemctl restart nvccd");
  std::vector<std::string> missing;
  for (const auto& device : subject.devices)
    if (!known.contains(to_string(device.address))) missing.push_back(to_string(device.address));
  if (!missing.empty())
    return fail(fmt::format("nvccd does not know {}", fmt::join(missing, ", ")), "nvccctl rescan");
  return ok("the state file is up to date");
}

Verdict check_devices(const Subject& subject) {
  if (!subject.daemon) return skip("nvccd does not run, so no device is verified");
  std::vector<std::string> bad;
  std::size_t verified = 0;
  for (const auto& [address, device] : subject.daemon->devices) {
    if (device.state == DeviceState::unmanaged) continue;
    if (device.healthy())
      ++verified;
    else
      bad.push_back(fmt::format("{} is {}{}{}", to_string(address), to_string(device.state),
                                device.error.empty() ? "" : ": ", device.error));
  }
  if (!bad.empty())
    return fail(fmt::format("{}", fmt::join(bad, "; ")),
                "nvccctl show ADDRESS and journalctl -u nvccd say more");
  if (verified == 0) return skip("there is no device to verify");
  return ok("every device is verified in its requested mode");
}

constexpr Check checks[] = {
    {"nvccd.settings", check_settings},
    {"nvccd.enabled", check_enabled},
    {"nvccd.state-file", check_state_file},
    {"nvccd.devices", check_devices},
};

}  // namespace

std::span<const Check> service_checks() {
  return checks;
}

}  // namespace nvccd::preflight
