#include "pci/binding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "pci/device_facts.h"
#include "pci/driver_use.h"
#include "pci/kernel_modules.h"

namespace nvccd {
namespace {

constexpr std::array takeover_drivers = {"nouveau", "nvidia"};

// VFIO lets a VM use the whole group or nothing of it, and what another maker has in it is not ours to take.
Result<> check_group(const HostPaths& paths, const PciAddress& address) {
  const auto members = iommu_group_members(paths, address);
  if (members.empty())
    return std::unexpected(Error{.kind = ErrorKind::system,
                                 .cause = "the device has no IOMMU group, so it cannot be given to a VM",
                                 .advice =
                                     "switch on the IOMMU (VT-d or AMD-Vi) in the firmware settings, and on "
                                     "Intel boot with intel_iommu=on",
                                 .device = address});
  for (const auto& member : members) {
    if (is_nvidia(paths, member)) continue;
    const auto device_class = read_class(paths, member);
    if (device_class && is_bridge(*device_class)) continue;
    return std::unexpected(Error{
        .kind = ErrorKind::system,
        .cause = fmt::format("its IOMMU group also holds {}, which is no NVIDIA device", to_string(member)),
        .advice =
            "put the device into a slot with a group of its own, or switch on ACS in the firmware settings",
        .device = address});
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

Result<> detach_from(const HostPaths& paths, const PciAddress& address, const std::string& driver,
                     const BindPolicy& policy) {
  if (is_takeover_driver(driver)) {
    if (!policy.take_over_idle)
      return std::unexpected(Error{
          .cause = fmt::format("the device belongs to driver {}, and vfio.takeover is \"never\"", driver),
          .advice = fmt::format("unbind it from {}, or set vfio.takeover = \"idle\"", driver)});
    if (auto use = find_driver_use(paths, driver))
      return std::unexpected(
          Error{.kind = ErrorKind::device_busy,
                .cause = fmt::format("the device is in use through driver {}: {}", driver, *use),
                .advice = "stop what uses it"});
  }
  return write_attribute(paths.driver(driver) / "unbind", to_string(address));
}

Result<> bind_function(const HostPaths& paths, const PciAddress& function, const std::string& driver,
                       const BindPolicy& policy) {
  const auto directory = paths.device(function);
  const auto current = link_name(directory / "driver");
  if (auto written = write_attribute(directory / "driver_override", driver); !written) return written;
  if (!current.empty())
    if (auto detached = detach_from(paths, function, current, policy); !detached) {
      (void)write_attribute(directory / "driver_override", "\n");  // leave no trace of the attempt
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

Result<> bind_device(const HostPaths& paths, const PciAddress& address, const BindPolicy& policy) {
  const auto current = link_name(paths.device(address) / "driver");
  if (is_vfio_driver(paths, current)) return {};
  if (!current.empty() && !is_takeover_driver(current))
    return std::unexpected(Error{
        .cause =
            fmt::format("the device belongs to driver {}, which nvccd does not take devices from", current),
        .advice = fmt::format("unbind it from {} first", current)});
  const auto prepared = policy.driver == "auto" ? prepared_driver(paths, address) : std::nullopt;
  const auto driver = prepared ? *prepared : load_vfio_driver(paths, address, policy.driver);
  if (!driver) return std::unexpected(driver.error());
  return bind_function(paths, address, *driver, policy);
}

// A variant driver is for the GPU; its companions have the general one.
Result<> bind_companion(const HostPaths& paths, const PciAddress& companion, const BindPolicy& policy) {
  if (is_bound_to_vfio(paths, companion)) return {};
  const auto driver = load_named_driver(paths, "vfio-pci");
  if (!driver) return std::unexpected(driver.error());
  return bind_function(paths, companion, *driver, policy);
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

// Another GPU or switch of the group binds itself.
Result<> bind_to_vfio(const HostPaths& paths, const PciAddress& address, const BindPolicy& policy) {
  if (auto usable = check_group(paths, address); !usable) return usable;
  if (auto bound = bind_device(paths, address, policy); !bound)
    return std::unexpected(on_device(bound.error(), address));
  for (const auto& companion : find_companions(paths, address))
    if (auto bound = bind_companion(paths, companion, policy); !bound)
      return std::unexpected(on_device(bound.error(), companion));
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
