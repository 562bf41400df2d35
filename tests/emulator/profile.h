// What distinguishes the emulated models: identity, BARs and where their registers are.
#pragma once

#include <cstdint>

#include "device.h"

namespace emulator {

enum class MailboxKind { emem, mnoc };

// Register offsets are byte offsets in BAR0; 0 = the model has no such register.
struct Profile {
  Model model{};
  std::uint16_t device_id = 0;
  std::uint16_t subsystem_id = 0;  // subsystem vendor is NVIDIA's too
  std::uint32_t class_code = 0;    // 24 bits
  std::uint32_t chip_id = 0;       // BAR0[0]
  std::uint64_t bar0_size = 0;
  MailboxKind mailbox = MailboxKind::emem;
  bool has_bar1 = true;
  bool has_cc = true;
  bool has_ppcie = false;
  bool is_blackwell = false;
  std::uint32_t boot_register = 0;
  std::uint32_t mode_register = 0;
  std::uint32_t recovery_register = 0;
  std::uint32_t recovery_value = 0;     // what it reads in recovery mode
  std::uint32_t flr_scratch = 0;        // cleared by any reset
  std::uint32_t bus_scratch = 0;        // survives a function-level reset
  std::uint32_t fault_word_config = 0;  // config offset of the security fault word
};

const Profile& profile_of(Model model);

// Config offset of the Blackwell firewall DVSEC and of its word with the firewall bit.
inline constexpr std::uint32_t kFirewallDvsec = 0x300;
inline constexpr std::uint32_t kFirewallWord = kFirewallDvsec + 0x8;
inline constexpr std::uint32_t kFirewallClosed = 1U << 20U;

}  // namespace emulator
