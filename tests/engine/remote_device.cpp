#include "remote_device.h"

#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace nvccd::test {
namespace {

std::uint32_t ask(int socket, const RemoteAccess& access) {
  std::uint32_t answer = 0;
  if (::write(socket, &access, sizeof access) != sizeof access ||
      ::read(socket, &answer, sizeof answer) != sizeof answer)
    ::_exit(EXIT_FAILURE);  // the hardware's process has ended, and the test with it
  return answer;
}

class RemoteDevice final : public emulator::Device {
 public:
  RemoteDevice(int socket, std::uint32_t index, emulator::Model model, const emulator::Clock& clock)
      : socket_(socket), index_(index), model_(model), clock_(clock) {}

  std::uint32_t config_read(std::uint32_t offset, unsigned width) override {
    return send({.kind = RemoteAccess::Kind::config_read, .offset = offset, .width = width});
  }
  void config_write(std::uint32_t offset, unsigned width, std::uint32_t value) override {
    send({.kind = RemoteAccess::Kind::config_write, .offset = offset, .width = width, .value = value});
  }
  std::uint32_t bar_read(unsigned, std::uint64_t offset) override {
    return send({.kind = RemoteAccess::Kind::bar_read, .offset = static_cast<std::uint32_t>(offset)});
  }
  void bar_write(unsigned, std::uint64_t offset, std::uint32_t value) override {
    send({.kind = RemoteAccess::Kind::bar_write,
          .offset = static_cast<std::uint32_t>(offset),
          .value = value});
  }
  void reset(emulator::ResetKind) override { send({.kind = RemoteAccess::Kind::reset}); }
  emulator::Model model() const override { return model_; }
  bool reset_fails() const override { return false; }

  // What only a test may see or do, it does in the hardware's process.
  emulator::BarInfo bar(unsigned) const override { throw not_here(); }
  std::string active_mode() const override { throw not_here(); }
  bool booted() const override { throw not_here(); }
  std::uint16_t knob(unsigned) const override { throw not_here(); }
  void set_knob(unsigned, std::uint16_t) override { throw not_here(); }
  void latch_now() override { throw not_here(); }
  const emulator::Counters& counters() const override { throw not_here(); }
  void set_delays(const emulator::Delays&) override { throw not_here(); }
  bool set_fault(std::string_view, std::string_view) override { throw not_here(); }
  void clear_faults() override { throw not_here(); }

 private:
  static std::logic_error not_here() { return std::logic_error("ask the process that has the hardware"); }

  std::uint32_t send(RemoteAccess access) {
    access.device = index_;
    access.now = clock_.now().count();
    return ask(socket_, access);
  }

  int socket_;
  std::uint32_t index_;
  emulator::Model model_;
  const emulator::Clock& clock_;
};

std::uint32_t perform(emulator::Device& device, const RemoteAccess& access) {
  switch (access.kind) {
    case RemoteAccess::Kind::config_read:
      return device.config_read(access.offset, access.width);
    case RemoteAccess::Kind::config_write:
      device.config_write(access.offset, access.width, access.value);
      return 0;
    case RemoteAccess::Kind::bar_read:
      return device.bar_read(0, access.offset);
    case RemoteAccess::Kind::bar_write:
      device.bar_write(0, access.offset, access.value);
      return 0;
    case RemoteAccess::Kind::reset:
      device.reset(emulator::ResetKind::function_level);
      return 0;
    case RemoteAccess::Kind::begin:
      return 0;
  }
  return 0;
}

}  // namespace

std::shared_ptr<emulator::Device> make_remote_device(int socket, std::uint32_t index, emulator::Model model,
                                                     const emulator::Clock& clock) {
  return std::make_shared<RemoteDevice>(socket, index, model, clock);
}

void send_begin(int socket, const emulator::Clock& clock) {
  ask(socket, {.kind = RemoteAccess::Kind::begin, .now = clock.now().count()});
}

bool serve_accesses(int socket, std::span<const std::unique_ptr<emulator::Device>> devices,
                    emulator::ManualClock& clock, std::uint64_t stop_at) {
  const auto start =
      clock.now();  // the other process's time begins anew with each process, the hardware's goes on
  bool counting = false;
  std::uint64_t count = 0;
  RemoteAccess access{};
  while (::read(socket, &access, sizeof access) == sizeof access) {
    const auto now = start + emulator::Duration(access.now);
    if (now > clock.now()) clock.advance(now - clock.now());
    if (access.kind == RemoteAccess::Kind::begin) counting = true;
    if (counting && access.kind != RemoteAccess::Kind::begin && ++count == stop_at) return true;
    const std::uint32_t answer = perform(*devices[access.device], access);
    if (::write(socket, &answer, sizeof answer) != sizeof answer) return false;
  }
  return false;
}

}  // namespace nvccd::test
