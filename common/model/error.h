// What went wrong, as a value: which kind, on which device, at which step, why, and what to do about it.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "common/model/pci_address.h"

namespace nvccd {

// The kinds a caller can react to. Each has one D-Bus error name and one exit status of nvccctl.
enum class ErrorKind {
  invalid_mode,
  not_supported,
  no_such_device,
  device_busy,
  job_in_progress,
  cancelled,
  hardware_failed,
  invalid_config,
  system,  // the kernel refused: a file, a system call
};

struct Error {
  ErrorKind kind = ErrorKind::system;
  std::string cause;        // "the firmware answered 0x202 to a write of knob 8"
  std::string advice = {};  // "power-cycle the device"; empty where there is nothing to do
  std::string step = {};    // "stage", "boot"; empty outside a transition
  std::optional<PciAddress> device = {};

  bool transient = false;  // trying the same again may help: a lost or garbled reply, not a refusal

  // One sentence for a person: device, step, cause, advice.
  std::string message() const;
};

template <typename T = void>
using Result = std::expected<T, Error>;

// The same error, said of this device (unless it already names one).
Error on_device(Error error, const PciAddress& device);

// A failed system call: `what` names the action and its object, `error_number` is errno.
Error system_error(std::string what, int error_number);

}  // namespace nvccd
