#include "daemon/pci/sysfs_config_space.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

namespace nvccd {
namespace {

constexpr off_t command_register = 0x4;
constexpr std::uint16_t memory_space = 1U << 1;

}  // namespace

Result<SysfsConfigSpace> SysfsConfigSpace::open(const HeldDirectory& device,
                                                const std::function<void()>& before_write) {
  auto fd = device.open_file("config", O_RDWR);
  if (!fd) return std::unexpected(fd.error());
  std::uint16_t command = 0;
  if (::pread(fd->get(), &command, sizeof command, command_register) != sizeof command)
    return std::unexpected(system_error("cannot read the device's configuration space", errno));
  if (command == 0xffff)
    return std::unexpected(
        Error{.kind = ErrorKind::hardware_failed,
              .cause = "the device's configuration space reads all ones: it does not answer",
              .advice = "power-cycle the device; if it stays so it needs service"});
  if ((command & memory_space) == 0) {
    command |= memory_space;
    before_write();
    if (::pwrite(fd->get(), &command, sizeof command, command_register) != sizeof command)
      return std::unexpected(system_error("cannot switch on the device's memory space", errno));
  }
  return SysfsConfigSpace(*std::move(fd));
}

Result<std::uint32_t> SysfsConfigSpace::read(std::uint32_t offset) {
  std::uint32_t value = 0;
  const ssize_t size = ::pread(fd_.get(), &value, sizeof value, static_cast<off_t>(offset));
  if (size < 0) return std::unexpected(system_error("cannot read the device's configuration space", errno));
  if (size != sizeof value)
    return std::unexpected(Error{.kind = ErrorKind::system,
                                 .cause = fmt::format("the kernel does not show offset {:#x} of the device's "
                                                      "configuration space",
                                                      offset)});
  return value;
}

}  // namespace nvccd
