// The interrupts of one connection: which event descriptor is signalled for which of them.
#pragma once

#include <array>
#include <expected>
#include <map>
#include <vector>

#include "codec.h"

namespace emulator::vfio_user {

// The emulated devices have INTx and one MSI. MSI-X is left out because QEMU 11.1 aborts when such a
// device is unplugged; the error and request interrupts because QEMU stops the guest when they fire.
IrqInfo irq_info(std::uint32_t index);

class Interrupts {
 public:
  // `data` are the bytes behind the request. The error is an errno value.
  std::expected<void, int> set(const IrqSet& request, std::span<const std::byte> data,
                               std::vector<UniqueFd> fds);
  // Whether an event descriptor is assigned.
  bool assigned(std::uint32_t index, std::uint32_t sub_index) const;

 private:
  void trigger(std::uint32_t index, std::uint32_t sub_index) const;

  std::array<std::map<std::uint32_t, UniqueFd>, irq_index_count> triggers_;
};

}  // namespace emulator::vfio_user
