// An emulated device that lives in another process, so that the engine's process can be killed and the
// hardware stays.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "tests/emulator/clock.h"
#include "tests/emulator/device.h"

namespace nvccd::test {

// One access; sent as it is, between two processes of one program.
struct RemoteAccess {
  enum class Kind : std::uint32_t { config_read, config_write, bar_read, bar_write, reset, begin } kind;
  std::uint32_t device = 0;
  std::uint32_t offset = 0;
  std::uint32_t width = 4;
  std::uint32_t value = 0;
  std::int64_t now = 0;  // of the process that asks, in nanoseconds
};

// For the engine's process. `socket` is one end of a pair, used by one thread at a time.
std::shared_ptr<emulator::Device> make_remote_device(int socket, std::uint32_t index, emulator::Model model,
                                                     const emulator::Clock& clock);

// Tells the hardware's process that the accesses from here on count.
void send_begin(int socket, const emulator::Clock& clock);

// For the hardware's process: answers until the other end is gone, or until access number `stop_at` after
// "begin" (0: none) has come in, which is not answered any more. True: it stopped there.
bool serve_accesses(int socket, std::span<const std::unique_ptr<emulator::Device>> devices,
                    emulator::ManualClock& clock, std::uint64_t stop_at);

}  // namespace nvccd::test
