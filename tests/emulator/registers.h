// BAR0 of a device that answers: which register is at which offset.
#pragma once

#include <cstdint>

#include "active_mode.h"
#include "boot_sequence.h"
#include "context.h"
#include "mailbox.h"

namespace emulator {

// What reads give that nobody answers.
inline constexpr std::uint32_t kAllOnes = 0xFFFFFFFF;

class Registers {
 public:
  Registers(Context& context, const BootSequence& boot, const ActiveMode& mode, Mailbox& mailbox)
      : context_(context), boot_(boot), mode_(mode), mailbox_(mailbox) {}

  std::uint32_t read(std::uint32_t offset);
  void write(std::uint32_t offset, std::uint32_t value);
  void reset(ResetKind kind);

 private:
  std::uint32_t read_answering(std::uint32_t offset);

  Context& context_;
  const BootSequence& boot_;
  const ActiveMode& mode_;
  Mailbox& mailbox_;
  std::uint32_t flr_scratch_ = 0;
  std::uint32_t bus_scratch_ = 0;
};

}  // namespace emulator
