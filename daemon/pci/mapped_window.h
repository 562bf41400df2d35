// BAR0 through a mapping of the kernel's resource0 file.
#pragma once

#include <csignal>

#include "common/host/sysfs.h"
#include "daemon/hardware/device_access.h"
#include "daemon/pci/own_openings.h"

namespace nvccd {

// A device that is pulled out takes its mapping with it: the next access raises SIGBUS in the thread that
// made it. This handler turns such a signal into an error of that access; any other SIGBUS ends the process
// as before. Call once, before the first window is used.
void install_bus_error_handler();

class MappedWindow final : public RegisterWindow {
 public:
  // `own`, unless null, is told of the opening that SysfsWatch will see.
  static Result<MappedWindow> map(const HostPaths& paths, const PciAddress& address,
                                  OwnOpenings* own = nullptr);

  MappedWindow(MappedWindow&& other) noexcept;
  MappedWindow& operator=(MappedWindow&&) = delete;
  MappedWindow(const MappedWindow&) = delete;
  MappedWindow& operator=(const MappedWindow&) = delete;
  ~MappedWindow() override;

  Result<std::uint32_t> read(std::uint32_t offset) override;
  Result<> write(std::uint32_t offset, std::uint32_t value) override;

 private:
  MappedWindow(void* base, std::size_t size) : base_(base), size_(size) {}
  Result<volatile std::uint32_t*> at(std::uint32_t offset) const;

  void* base_;
  std::size_t size_;
};

}  // namespace nvccd
