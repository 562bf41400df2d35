#include "registers.h"

#include <optional>

namespace emulator {
namespace {

constexpr std::uint32_t kSecurityFault = 0xBADF0200;
constexpr std::uint32_t kBadWhileBooting = 0xBADF5040;
constexpr std::uint32_t kBadNow = 0xBADF5720;
constexpr std::uint32_t kBootComplete = 0xFF;

// Sizes of the firmware's processor memories; they answer at all times.
std::optional<std::uint32_t> fsp_config(std::uint32_t offset) {
  switch (offset) {
    case 0x8F012C:
      return 0x00001100;  // one port each to instruction and data memory
    case 0x8F0278:
      return 0x01000200;  // 64 KiB of data, 128 KiB of instructions, in 256 bytes
    case 0x8F0ABC:
      return 0x00000020;  // 8 KiB of external memory, in 256 bytes
    default:
      return std::nullopt;
  }
}

}  // namespace

std::uint32_t Registers::read(std::uint32_t offset) {
  Faults& faults = context_.faults;
  if (faults.on(Fault::bar0_all_ones) || boot_.firewall_closed()) return kAllOnes;
  if (faults.on(Fault::security_fault)) return kSecurityFault;
  if (faults.use_up(Fault::bad_reads)) return kBadNow;
  if (const auto config = fsp_config(offset)) return *config;
  if (!boot_.has_registers()) return kAllOnes;
  if (!boot_.running() && faults.on(Fault::bad_reads_during_boot)) {
    const std::uint32_t pattern = faults.number(Fault::bad_reads_during_boot, 1);
    return pattern == 1 ? kBadWhileBooting : pattern;
  }
  return read_answering(offset);
}

std::uint32_t Registers::read_answering(std::uint32_t offset) {
  const Profile& profile = context_.profile;
  if (offset == 0) return context_.faults.on(Fault::chip_id_zero) ? 0 : profile.chip_id;
  if (offset == profile.boot_register) return boot_.running() ? kBootComplete : 0;
  // The boot firmware writes the mode word: whoever looks too early finds "off".
  if (offset == profile.mode_register) return boot_.has_mode() ? mode_word(mode_, profile) : 0;
  if (offset == profile.recovery_register) {
    return context_.faults.on(Fault::recovery) ? profile.recovery_value : 0;
  }
  if (offset == profile.flr_scratch) return flr_scratch_;
  if (offset == profile.bus_scratch) return bus_scratch_;
  if (mailbox_.owns(offset)) return mailbox_.read(offset);
  return 0;
}

void Registers::write(std::uint32_t offset, std::uint32_t value) {
  const Profile& profile = context_.profile;
  if (context_.faults.on(Fault::bar0_all_ones) || boot_.firewall_closed() || !boot_.has_registers()) return;
  if (offset == profile.flr_scratch) flr_scratch_ = value;
  if (offset == profile.bus_scratch) bus_scratch_ = value;
  if (mailbox_.owns(offset)) mailbox_.write(offset, value);
}

void Registers::reset(ResetKind kind) {
  flr_scratch_ = 0;
  if (kind != ResetKind::function_level) bus_scratch_ = 0;
}

}  // namespace emulator
