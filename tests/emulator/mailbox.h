// A host's way to the firmware: registers that carry messages there and replies back.
#pragma once

#include <cstdint>

namespace emulator {

enum class Stale { command, message };

class Mailbox {
 public:
  virtual ~Mailbox() = default;

  virtual bool owns(std::uint32_t offset) const = 0;
  virtual std::uint32_t read(std::uint32_t offset) = 0;
  virtual void write(std::uint32_t offset, std::uint32_t value) = 0;
  // Lets replies arrive whose time has come.
  virtual void advance() = 0;
  // Empties it; nothing under way survives.
  virtual void reset() = 0;
  // Leaves behind what a host that died in the middle would.
  virtual void plant(Stale what) = 0;
};

}  // namespace emulator
