// The mailbox of Blackwell GPUs: port 0 of the message network at 0x8f1e00. Its registers are named from the
// firmware's side: "receive" is what the host sends. Facts: NVIDIA's gpu-admin-tools, see docs/hardware.md.
#pragma once

#include "daemon/hardware/fsp_transport.h"

namespace nvccd {

class MnocTransport final : public FspTransport {
 public:
  MnocTransport(RegisterWindow& registers, Clock& clock) : registers_(registers), clock_(clock) {}

  Result<> drain() override;
  Result<bool> has_message() override;
  Result<> send(std::span<const std::uint32_t> packet) override;
  Result<Words> receive() override;

 private:
  Result<std::uint32_t> read_info(std::uint32_t offset);
  // Waits until the bit is set, and returns the register as it then read.
  Result<std::uint32_t> wait_for(std::uint32_t offset, std::uint32_t bit, Duration limit, const char* what);
  Result<> wait_until_accepting();
  Result<> wait_until_fetched();

  RegisterWindow& registers_;
  Clock& clock_;
};

}  // namespace nvccd
