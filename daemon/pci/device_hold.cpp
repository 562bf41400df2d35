#include "daemon/pci/device_hold.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cstdlib>

#include "common/host/device_facts.h"
#include "common/host/group_obstacle.h"

namespace nvccd {
namespace {

constexpr const char* leave_it_alone =
    "let nothing but nvccd bind and unbind its devices (driverctl, scripts, udev rules), then try again";

std::unexpected<Error> changed(std::string what) {
  return std::unexpected(
      Error{.kind = ErrorKind::system, .cause = std::move(what), .advice = leave_it_alone});
}

std::unexpected<Error> gone(std::string what) {
  return std::unexpected(Error{.kind = ErrorKind::no_such_device, .cause = std::move(what)});
}

std::string described(const std::string& driver) {
  return driver.empty() ? "no driver" : "driver " + driver;
}

}  // namespace

Result<DeviceHold> DeviceHold::take(const HostPaths& paths, const PciAddress& address, VfioGroups& groups) {
  auto directory = HeldDirectory::open(paths.device(address));
  if (!directory) return gone("there is no such device on this host (any more)");
  DeviceHold hold(paths, address, *std::move(directory));
  hold.driver_ = hold.directory_.link_name("driver");
  hold.group_number_ = hold.directory_.link_name("iommu_group");
  if (!is_vfio_driver(paths, hold.driver_) || hold.group_number_.empty())
    return std::unexpected(Error{.cause = "the device is not bound to a vfio driver",
                                 .advice = "bind it with nvccctl bind, or set vfio.bind = true"});
  if (auto obstacle = find_own_obstacle(paths, address)) return std::unexpected(*std::move(obstacle));
  auto group = groups.hold(std::atoi(hold.group_number_.c_str()));
  if (!group) return std::unexpected(group.error());
  hold.group_ = *std::move(group);
  hold.members_ = hold.read_members();
  // What was read before the group was held may have been another device's.
  if (auto unchanged = hold.prove_unchanged(); !unchanged) return std::unexpected(unchanged.error());
  return hold;
}

DeviceHold::Members DeviceHold::read_members() const {
  Members members;
  for (const auto& member : iommu_group_members(paths_, address_)) {
    const auto driver = link_name(paths_.device(member) / "driver");
    members[member] = is_vfio_driver(paths_, driver) ? driver : "";
  }
  return members;
}

Result<> DeviceHold::prove_unchanged() const {
  auto same = prove_driver();
  if (same) same = prove_group();
  return unless_removed(std::move(same));
}

Result<> DeviceHold::prove() const {
  auto same = prove_unchanged();
  if (same) same = prove_identity();
  if (same) same = prove_reset();
  return unless_removed(std::move(same));
}

// Asked for last: what was read by the device's address was its own if that leads to its directory still, as
// a directory never comes back; and of a removed device everything else fails too, which says nothing.
Result<> DeviceHold::unless_removed(Result<> proved) const {
  if (!directory_.is_current())
    proved = gone(FileIdentity::of(directory_.path())
                      ? "the device was removed while nvccd had it, and another one is at its address"
                      : "the device was removed while nvccd had it");
  if (!proved) return std::unexpected(on_device(proved.error(), address_));
  return {};
}

Result<> DeviceHold::prove_driver() const {
  const auto driver = directory_.link_name("driver");
  if (driver == driver_) return {};
  return changed(fmt::format("the device has {} instead of {} since nvccd took it", described(driver),
                             described(driver_)));
}

Result<> DeviceHold::prove_group() const {
  const auto number = directory_.link_name("iommu_group");
  if (number != group_number_)
    return changed(fmt::format("the device is in IOMMU group {} instead of {} since nvccd took it",
                               number.empty() ? "none" : number, group_number_));
  if (!group_->is_current())
    return changed(
        fmt::format("IOMMU group {} was dissolved while nvccd had it, so somebody else may have "
                    "the device now",
                    group_number_));
  const auto members = read_members();
  for (const auto& [member, driver] : members_) {
    const auto now = members.find(member);
    if (now == members.end())
      return changed(fmt::format("{} left the device's IOMMU group since nvccd took it", to_string(member)));
    if (!driver.empty() && now->second != driver)
      return changed(fmt::format("{} of the device's IOMMU group lost driver {} since nvccd took it",
                                 to_string(member), driver));
  }
  for (const auto& [member, driver] : members)
    if (!members_.contains(member))
      return changed(
          fmt::format("{} came into the device's IOMMU group since nvccd took it", to_string(member)));
  if (auto obstacle = find_own_obstacle(paths_, address_)) return std::unexpected(*std::move(obstacle));
  return {};
}

// The kernel keeps the identity that it found; the configuration space has that of what is in the slot now.
Result<> DeviceHold::prove_identity() const {
  const auto vendor = directory_.read("vendor");
  if (!vendor) return std::unexpected(vendor.error());
  const auto device = directory_.read("device");
  if (!device) return std::unexpected(device.error());
  const auto config = directory_.open_file("config", O_RDONLY);
  if (!config) return std::unexpected(config.error());
  std::uint32_t identity = 0;
  if (::pread(config->get(), &identity, sizeof identity, 0) != sizeof identity)
    return std::unexpected(system_error("cannot read the device's configuration space", errno));
  if (identity == 0xffffffff)
    return std::unexpected(
        Error{.kind = ErrorKind::hardware_failed,
              .cause = "the device's configuration space reads all ones: it does not answer",
              .advice = "power-cycle the device; if it stays so it needs service"});
  const auto found = fmt::format("0x{:04x} 0x{:04x}", identity & 0xffff, identity >> 16);
  if (found == *vendor + " " + *device) return {};
  return gone(
      fmt::format("another device is in the slot: it says {} instead of {} {}", found, *vendor, *device));
}

// Asked for ahead of any reset: a node of which one device cannot be reset must not lose the others to the
// attempt.
Result<> DeviceHold::prove_reset() const {
  // Kernels before 5.15 have no reset_method. Whoever empties it forbids resets.
  const auto methods = directory_.read("reset_method");
  if (directory_.has("reset") && !(methods && methods->empty())) return {};
  return std::unexpected(
      Error{.kind = ErrorKind::not_supported,
            .cause = "the kernel knows no way to reset the device, without which no mode takes effect",
            .advice = fmt::format("see which methods {} has; kernel messages tell why one is missing "
                                  "(journalctl -k)",
                                  (directory_.path() / "reset_method").string())});
}

}  // namespace nvccd
