// nvccd itself: its settings, its unit, its state file, and what it made of the devices.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>

#include "common/formats/state_file.h"
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
  if (subject.own.starts_at_boot) return ok("nvccd starts at boot");
  return warn("nvccd is not enabled: nothing binds the devices at boot", "systemctl enable --now nvccd");
}

// What is compared of two states.
using StateOfDevices = std::map<PciAddress, std::pair<std::optional<Mode>, DeviceState>>;

StateOfDevices state_of(const DaemonState& daemon) {
  StateOfDevices devices;
  for (const auto& [address, device] : daemon.devices)
    devices[address] = {device.mode, device.state};
  return devices;
}

StateOfDevices state_of(const PublishedState& state) {
  StateOfDevices devices;
  for (const auto& device : state.devices)
    devices[device.address] = {device.mode, device.state};
  return devices;
}

// Where both have the same devices: the devices of which they say different things.
std::vector<std::string> differences(const StateOfDevices& one, const StateOfDevices& other) {
  std::vector<std::string> addresses;
  for (const auto& [address, state] : one)
    if (other.at(address) != state) addresses.push_back(to_string(address));
  return addresses;
}

Verdict check_state_file(const Subject& subject) {
  const auto& state_file = subject.own.state_file;
  const auto& state = subject.own.state;
  if (!subject.daemon)
    return state ? fail(fmt::format("{} is there, but nvccd is not: programs read an old state", state_file),
                        "systemctl restart nvccd")
                 : skip("nvccd does not run, so there is no state file");
  if (!state)
    return fail(fmt::format("there is no {}", state_file),
                "see journalctl -u nvccd for why it cannot be written");
  const auto& written = *state;
  if (!written) return fail(written.error().message(), "systemctl restart nvccd");
  const auto devices = state_of(*written);
  const auto known = state_of(*subject.daemon);
  const auto generation = subject.daemon->node.generation;
  if (written->node.generation < generation)
    return fail(fmt::format("{} is of generation {}, nvccd is at {}: programs read an old state", state_file,
                            written->node.generation, generation),
                "systemctl restart nvccd");
  // A newer file is fine: what nvccd knew was copied when the checks began.
  if (written->node.generation == generation) {
    if (!std::ranges::equal(devices | std::views::keys, known | std::views::keys))
      return fail(fmt::format("{} lists other devices than nvccd knows", state_file),
                  "systemctl restart nvccd");
    if (const auto wrong = differences(known, devices); !wrong.empty())
      return fail(fmt::format("{} is wrong about {}", state_file, fmt::join(wrong, ", ")),
                  "systemctl restart nvccd");
  }
  std::vector<std::string> missing;
  for (const auto& device : subject.devices)
    if (!devices.contains(device.address)) missing.push_back(to_string(device.address));
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

constexpr Check service_check_rows[] = {
    {"nvccd.settings", check_settings},
    {"nvccd.enabled", check_enabled},
    {"nvccd.state-file", check_state_file},
    {"nvccd.devices", check_devices},
};

}  // namespace

OwnFiles look_at_own_files(const HostView& host, const std::string& state_file) {
  OwnFiles own{.state_file = state_file};
  // The link as it stands: with a root directory of its own its target is elsewhere.
  std::error_code error;
  own.starts_at_boot = std::filesystem::is_symlink(
      host.path("/etc/systemd/system/multi-user.target.wants/nvccd.service"), error);
  if (host.has(state_file)) own.state = read_state_file(host.path(state_file));
  return own;
}

std::span<const Check> service_checks() {
  return service_check_rows;
}

}  // namespace nvccd::preflight
