#include "daemon/pci/binding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/host/companions.h"
#include "common/host/console_use.h"
#include "common/host/device_facts.h"
#include "common/host/driver_use.h"
#include "common/host/group_obstacle.h"
#include "common/host/kernel_modules.h"
#include "common/host/virtual_functions.h"

namespace nvccd {
namespace {

// nvidia.ko has two PCI drivers: one for GPUs and one for NVSwitches.
constexpr std::array takeover_drivers = {"nouveau", "nvidia", "nvidia-nvswitch"};

// A companion belongs to the device of its slot, so nothing of an excluded device's card is touched.
bool is_excluded(const BindPolicy& policy, const PciAddress& function) {
  return std::ranges::any_of(policy.excluded,
                             [&](const PciAddress& excluded) { return same_slot(excluded, function); });
}

// VFIO lets a VM use the whole group or nothing of it. What another maker has in it, or the settings exclude,
// is not ours to take; the NVIDIA devices bind themselves.
Result<> check_group(const HostPaths& paths, const PciAddress& address, const BindPolicy& policy) {
  const auto members = iommu_group_members(paths, address);
  if (members.empty())
    return std::unexpected(Error{.kind = ErrorKind::system,
                                 .cause = "the device has no IOMMU group, so it cannot be given to a VM",
                                 .advice =
                                     "switch on the IOMMU (VT-d or AMD-Vi) in the firmware settings, and on "
                                     "Intel boot with intel_iommu=on",
                                 .device = address});
  for (const auto& member : members) {
    const bool excluded = is_excluded(policy, member);
    if (member == address || (is_nvidia(paths, member) && !excluded)) continue;
    if (auto obstacle = find_obstacle(paths, address, member)) {
      if (excluded) obstacle->cause += " and is excluded by the settings";
      return std::unexpected(*std::move(obstacle));
    }
  }
  return {};
}

bool is_registered(const HostPaths& paths, const std::string& driver) {
  std::error_code error;
  return std::filesystem::exists(paths.driver(driver), error);
}

Result<std::string> load_named_driver(const HostPaths& paths, const std::string& driver) {
  if (is_registered(paths, driver)) return driver;  // loaded, or built in
  std::string module = driver;
  std::ranges::replace(module, '-', '_');
  if (auto loaded = load_module(module); !loaded) return std::unexpected(loaded.error());
  return driver;
}

// What --udev-driver or --prepare chose for the device, who may look for modules and load them.
std::optional<std::string> prepared_driver(const HostPaths& paths, const PciAddress& address) {
  const auto driver = read_attribute(paths.device(address) / "driver_override");
  if (!driver || !is_vfio_driver(paths, *driver) || !is_registered(paths, *driver)) return std::nullopt;
  return *driver;
}

Error takeover_forbidden(const std::string& driver) {
  return Error{
      .cause = fmt::format("the device belongs to driver {}, and vfio.takeover is \"never\"", driver),
      .advice = fmt::format("unbind it from {}, or set vfio.takeover = \"idle\"", driver)};
}

// A function that is to be bound, and the driver that it had when it was judged: it may be taken over from
// that driver, but from none that comes later.
struct Candidate {
  PciAddress function;
  bool is_companion = false;
  std::string driver;  // "": none
};

Candidate find_candidate(const HostPaths& paths, const PciAddress& function, bool is_companion) {
  return {function, is_companion, link_name(paths.device(function) / "driver")};
}

Result<> may_take(const HostPaths& paths, const Candidate& candidate, const BindPolicy& policy) {
  const auto& driver = candidate.driver;
  if (driver.empty()) return {};
  if (candidate.is_companion ? !is_companion_driver(driver) : !is_takeover_driver(driver))
    return std::unexpected(Error{
        .cause =
            fmt::format("the device belongs to driver {}, which nvccd does not take devices from", driver),
        .advice = fmt::format("unbind it from {} first", driver)});
  if (!policy.take_over_idle) return std::unexpected(takeover_forbidden(driver));
  auto use = candidate.is_companion ? find_companion_use(paths, candidate.function, driver)
                                    : find_driver_use(paths, driver);
  if (!use && !candidate.is_companion) use = find_console_use(paths, candidate.function);
  if (!use && !candidate.is_companion) use = find_parts(paths, candidate.function);
  if (use)
    return std::unexpected(
        Error{.kind = ErrorKind::device_busy,
              .cause = fmt::format("the device is in use through driver {}: {}", driver, *use),
              .advice = "stop what uses it"});
  return {};
}

// Puts back what driver_override said before an attempt that failed.
void restore_override(const HostPaths& paths, const PciAddress& function,
                      const Result<std::string>& previous) {
  const bool was_set = previous && !previous->empty() && *previous != "(null)";
  (void)write_attribute(paths.device(function) / "driver_override", was_set ? *previous : "\n");
}

// A device that stays with a driver of the host loses the override that --prepare or the udev rule gave it
// ahead: that driver could not have it back otherwise.
void withdraw_preparation(const HostPaths& paths, const Candidate& candidate) {
  if (candidate.is_companion || !is_takeover_driver(candidate.driver)) return;
  const auto file = paths.device(candidate.function) / "driver_override";
  if (const auto driver = read_attribute(file); driver && is_vfio_driver(paths, *driver))
    (void)write_attribute(file, "\n");
}

Result<> bind_function(const HostPaths& paths, const Candidate& candidate, const std::string& driver,
                       const BindPolicy& policy) {
  const auto& function = candidate.function;
  const auto directory = paths.device(function);
  // Again, as looking for a driver takes its time.
  if (auto allowed = may_take(paths, candidate, policy); !allowed) {
    withdraw_preparation(paths, candidate);
    return allowed;
  }
  const auto previous = read_attribute(directory / "driver_override");
  if (auto written = write_attribute(directory / "driver_override", driver); !written) return written;
  // The kernel refuses when it is another driver's by now.
  if (!candidate.driver.empty())
    if (auto detached = write_attribute(paths.driver(candidate.driver) / "unbind", to_string(function));
        !detached) {
      restore_override(paths, function, previous);
      return detached;
    }
  if (auto probed = write_attribute(paths.sys + "/bus/pci/drivers_probe", to_string(function)); !probed)
    return probed;
  const auto bound = link_name(directory / "driver");
  if (bound != driver)
    return std::unexpected(
        Error{.cause = bound.empty() ? fmt::format("driver {} did not take the device", driver)
                                     : fmt::format("driver {} took the device instead of {}", bound, driver),
              .advice = "the kernel's log says why (journalctl -k)"});
  return {};
}

// A variant driver is for the GPU; its companions have the general one.
Result<std::string> choose_driver(const HostPaths& paths, const Candidate& candidate,
                                  const BindPolicy& policy) {
  if (candidate.is_companion) return load_named_driver(paths, "vfio-pci");
  const auto prepared = policy.driver == "auto" ? prepared_driver(paths, candidate.function) : std::nullopt;
  return prepared ? *prepared : load_vfio_driver(paths, candidate.function, policy.driver);
}

Result<> bind_candidate(const HostPaths& paths, const Candidate& candidate, const BindPolicy& policy) {
  const auto driver = choose_driver(paths, candidate, policy);
  if (!driver) return std::unexpected(driver.error());
  auto bound = bind_function(paths, candidate, *driver, policy);
  // The worker of another device in the slot may have been quicker.
  if (!bound && candidate.is_companion && is_bound_to_vfio(paths, candidate.function)) return {};
  return bound;
}

Result<> release_function(const HostPaths& paths, const PciAddress& function) {
  const auto directory = paths.device(function);
  const auto current = link_name(directory / "driver");
  if (!is_vfio_driver(paths, current)) return {};
  for (const auto& [file, value] :
       {std::pair{directory / "driver_override", std::string("\n")},
        std::pair{paths.driver(current) / "unbind", to_string(function)},
        std::pair{std::filesystem::path(paths.sys + "/bus/pci/drivers_probe"), to_string(function)}})
    if (auto written = write_attribute(file, value); !written) return written;
  // Its driver may not be loaded; at this event udev's own rules load what claims the device.
  if (link_name(directory / "driver").empty()) (void)write_attribute(directory / "uevent", "change");
  return {};
}

bool another_device_is_bound(const HostPaths& paths, const PciAddress& address) {
  return std::ranges::any_of(iommu_group_members(paths, address), [&](const PciAddress& member) {
    return member != address && find_kind(paths, member) && is_bound_to_vfio(paths, member);
  });
}

}  // namespace

bool is_takeover_driver(std::string_view driver) {
  return std::ranges::find(takeover_drivers, driver) != takeover_drivers.end();
}

Result<std::string> load_vfio_driver(const HostPaths& paths, const PciAddress& address,
                                     const std::string& wanted) {
  if (wanted != "auto") return load_named_driver(paths, wanted);
  const auto modalias = read_attribute(paths.device(address) / "modalias");
  if (!modalias) return std::unexpected(modalias.error());
  const auto modules = find_vfio_modules(*modalias);
  if (!modules) return std::unexpected(modules.error());
  if (modules->empty() || modules->front() == "vfio_pci") return load_named_driver(paths, "vfio-pci");
  if (auto loaded = load_module(modules->front()); !loaded) return std::unexpected(loaded.error());
  return driver_of_module(paths, modules->front());
}

Result<> bind_to_vfio(const HostPaths& paths, const PciAddress& address, const BindPolicy& policy) {
  if (policy.excluded.contains(address))
    return std::unexpected(Error{.kind = ErrorKind::not_supported,
                                 .cause = "the settings exclude this device (managed = false)",
                                 .device = address});
  if (auto usable = check_group(paths, address, policy); !usable) return usable;
  std::vector<Candidate> candidates = {find_candidate(paths, address, false)};
  for (const auto& companion : find_companions(paths, address))
    if (!is_excluded(policy, companion)) candidates.push_back(find_candidate(paths, companion, true));
  std::erase_if(candidates,
                [&](const Candidate& candidate) { return is_vfio_driver(paths, candidate.driver); });
  // All of them before any is touched: a device without its companions is of no use to a VM.
  for (const auto& candidate : candidates)
    if (auto allowed = may_take(paths, candidate, policy); !allowed) {
      withdraw_preparation(paths, candidates.front());
      return std::unexpected(on_device(allowed.error(), candidate.function));
    }
  for (const auto& candidate : candidates)
    if (auto bound = bind_candidate(paths, candidate, policy); !bound)
      return std::unexpected(on_device(bound.error(), candidate.function));
  return {};
}

Result<> release_from_vfio(const HostPaths& paths, const PciAddress& address) {
  if (auto released = release_function(paths, address); !released)
    return std::unexpected(on_device(released.error(), address));
  if (another_device_is_bound(paths, address)) return {};
  for (const auto& companion : find_companions(paths, address))
    if (auto released = release_function(paths, companion); !released)
      return std::unexpected(on_device(released.error(), companion));
  return {};
}

}  // namespace nvccd
