// Firmware that answers anything at all: every register read returns the next bytes of the input.
#include <cstdint>
#include <cstring>
#include <span>

#include "daemon/hardware/confidential_device.h"

namespace {

class FuzzedRegisters final : public nvccd::RegisterWindow {
 public:
  explicit FuzzedRegisters(std::span<const std::uint8_t> input) : input_(input) {}

  nvccd::Result<std::uint32_t> read(std::uint32_t) override {
    if (input_.size() < 4)
      return std::unexpected(
          nvccd::Error{.kind = nvccd::ErrorKind::hardware_failed, .cause = "no more input"});
    std::uint32_t value = 0;
    std::memcpy(&value, input_.data(), sizeof value);
    input_ = input_.subspan(4);
    return value;
  }
  nvccd::Result<> write(std::uint32_t, std::uint32_t) override { return {}; }

 private:
  std::span<const std::uint8_t> input_;
};

// Time passes only by sleeping, so that no wait is a real one.
class FuzzClock final : public nvccd::Clock {
 public:
  nvccd::Duration now() const override { return now_; }
  void sleep(nvccd::Duration duration) override { now_ += duration; }

 private:
  nvccd::Duration now_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  FuzzedRegisters registers({data + 1, size - 1});
  FuzzClock clock;
  const auto mailbox = (data[0] & 1) != 0 ? nvccd::Mailbox::emem : nvccd::Mailbox::mnoc;
  nvccd::PrcClient client(nvccd::make_transport(mailbox, registers, clock), clock);
  (void)client.read(nvccd::Knob::cc_mode);
  (void)client.write(nvccd::Knob::ppcie, 1);
  return 0;
}
