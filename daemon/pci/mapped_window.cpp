#include "daemon/pci/mapped_window.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <csetjmp>
#include <utility>

namespace nvccd {
namespace {

// Where this thread continues when its current register access raises SIGBUS; null outside of one. A signal
// handler can reach nothing but static storage. Volatile, because a compiler sees nobody who could read it
// between the two stores of an access, and would leave out the first.
thread_local sigjmp_buf* volatile bus_error_exit = nullptr;

void handle_bus_error(int) {
  if (sigjmp_buf* const exit = bus_error_exit; exit != nullptr) siglongjmp(*exit, 1);
  // Not ours: let the access fail again, without a handler.
  struct sigaction fallback{};
  fallback.sa_handler = SIG_DFL;
  ::sigaction(SIGBUS, &fallback, nullptr);
}

// Runs one access, which has to be a volatile one: only these keep their place between the two stores. False:
// it raised SIGBUS. The function must not own anything, since a jump leaves it, and what it changes is lost
// then.
template <typename Access>
bool survives(Access access) {
  sigjmp_buf exit;
  if (sigsetjmp(exit, 0) != 0) {
    bus_error_exit = nullptr;
    return false;
  }
  bus_error_exit = &exit;
  access();
  bus_error_exit = nullptr;
  return true;
}

Error device_vanished() {
  return Error{.kind = ErrorKind::hardware_failed,
               .cause = "the device went away in the middle of a register access"};
}

}  // namespace

void install_bus_error_handler() {
  struct sigaction action{};
  action.sa_handler = handle_bus_error;
  // The jump out of the handler does not restore the signal mask (saving it would cost a system call an
  // access).
  action.sa_flags = SA_NODEFER;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, nullptr);
}

Result<MappedWindow> MappedWindow::map(const HostPaths& paths, const PciAddress& address, OwnOpenings* own) {
  const auto file = paths.device(address) / "resource0";
  if (own != nullptr) own->announce(address, {SysfsAccess::registers_opened, SysfsAccess::registers_closed});
  const auto fd = open_file(file, O_RDWR | O_SYNC);
  if (!fd) {
    if (own != nullptr) own->retract(address, {SysfsAccess::registers_opened, SysfsAccess::registers_closed});
    return std::unexpected(fd.error());
  }
  struct stat status{};
  if (::fstat(fd->get(), &status) < 0)
    return std::unexpected(system_error(fmt::format("cannot look at {}", file.string()), errno));
  const auto size = static_cast<std::size_t>(status.st_size);
  void* base = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd->get(), 0);
  if (base == MAP_FAILED) {
    auto error = system_error(fmt::format("cannot map {}", file.string()), errno);
    if (errno == EPERM)
      error.advice = "the kernel is locked down (Secure Boot?): it forbids access to device registers";
    return std::unexpected(std::move(error));
  }
  return MappedWindow(base, size);
}

MappedWindow::MappedWindow(MappedWindow&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedWindow::~MappedWindow() {
  if (base_ != nullptr) ::munmap(base_, size_);
}

Result<volatile std::uint32_t*> MappedWindow::at(std::uint32_t offset) const {
  if (offset % 4 != 0 || offset + std::size_t{4} > size_)
    return std::unexpected(Error{
        .kind = ErrorKind::hardware_failed,
        .cause =
            fmt::format("the device's BAR0 has {:#x} bytes, register {:#x} is not in it", size_, offset)});
  return static_cast<volatile std::uint32_t*>(base_) + offset / 4;
}

Result<std::uint32_t> MappedWindow::read(std::uint32_t offset) {
  const auto address = at(offset);
  if (!address) return std::unexpected(address.error());
  volatile std::uint32_t value = 0;
  if (!survives([&] { value = **address; })) return std::unexpected(device_vanished());
  return value;
}

Result<> MappedWindow::write(std::uint32_t offset, std::uint32_t value) {
  const auto address = at(offset);
  if (!address) return std::unexpected(address.error());
  if (!survives([&] { **address = value; })) return std::unexpected(device_vanished());
  return {};
}

}  // namespace nvccd
