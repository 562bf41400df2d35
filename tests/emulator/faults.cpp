#include "faults.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <memory>
#include <utility>

namespace emulator {
namespace {

using enum FaultValue;

constexpr FaultInfo kTable[] = {
    // BAR0
    {Fault::bar0_all_ones, flag, "bar0-all-ones", "", "BAR0 reads are all ones, writes are lost"},
    {Fault::security_fault, number, "security-fault", "",
     "BAR0 reads are 0xBADF0200; the number is the fault word in config space"},
    {Fault::bad_reads_during_boot, number, "bad-reads-during-boot", "",
     "while booting, BAR0 reads are this number (1 = 0xBADF5040), the FSP config registers excepted"},
    {Fault::bad_reads, number, "bad-reads", "", "the next N BAR0 reads are 0xBADF5720, then the fault ends"},
    {Fault::boot_never, flag, "boot-never", "", "the next boot never completes; FSP is silent"},
    {Fault::recovery, flag, "recovery", "", "the recovery register says recovery mode"},
    {Fault::chip_id_zero, flag, "chip-id-zero", "", "BAR0[0] is 0, on Hopper another sign of recovery mode"},
    // FSP
    {Fault::no_reply, choice, "no-reply", "1 stuck",
     "FSP never answers; 1: it takes the command, stuck: it leaves the command in the queue"},
    {Fault::fsp_error, error, "fsp-error", "", "FSP refuses knob commands with this error code"},
    {Fault::permission_denied, knob, "permission-denied", "",
     "FSP refuses knob writes, whatever the permission knob"},
    {Fault::ppcie_unknown, flag, "ppcie-unknown", "", "old firmware: knobs 44 and 45 are unknown (0x1E3)"},
    {Fault::wrong_echo, flag, "wrong-echo", "", "replies name another request type (0x15 instead of 0x13)"},
    {Fault::wrong_reply_type, flag, "wrong-reply-type", "", "replies have message type 0x13 instead of 0x15"},
    {Fault::short_reply, number, "short-reply", "", "replies lack the last N words"},
    {Fault::oversized_reply, number, "oversized-reply", "", "replies announce and carry N words too many"},
    {Fault::late_reply, number, "late-reply", "", "replies come N ms later than the reply delay"},
    {Fault::dirty_reply, flag, "dirty-reply", "", "the upper half of a knob value is garbage, as it may be"},
    {Fault::stale_queues, choice, "stale-queues", "1 command message",
     "once, now: a left-over command, a left-over reply or (1) both are planted in the mailbox"},
    {Fault::mnoc_not_ready, flag, "mnoc-not-ready", "", "the Blackwell mailbox never says ready"},
    {Fault::mnoc_no_credit, flag, "mnoc-no-credit", "", "the Blackwell mailbox never gives credit"},
    {Fault::mnoc_error, choice, "mnoc-error", "1 send receive",
     "the Blackwell mailbox shows its error bit; receive = towards FSP, send = from FSP"},
    // knobs and modes
    {Fault::not_stored, knob, "not-stored", "", "knob writes succeed but change nothing"},
    {Fault::not_latched, flag, "not-latched", "", "resets do not make the knobs active"},
    {Fault::invalid_state, flag, "invalid-state", "",
     "once, now: devtools without CC, as knobs and as mode (state 2)"},
    // reset and bus
    {Fault::firewall_stuck, flag, "firewall-stuck", "", "the Blackwell BAR firewall is closed"},
    {Fault::firewall_delay, number, "firewall-delay", "",
     "the Blackwell BAR firewall stays closed until N ms after a reset"},
    {Fault::reset_ignored, choice, "reset-ignored", "1 flr bus",
     "resets (of that kind; 1 = any) have no effect"},
    {Fault::reset_fails, flag, "reset-fails", "",
     "resets have no effect and the operating system gets an error"},
    {Fault::d3_at_start, flag, "d3-at-start", "", "the device is in D3hot now and after each power cycle"},
    {Fault::config_f0_all_ones, flag, "config-f0-all-ones", "", "16 bits at config 0xF0 are 0xFFFF"},
    {Fault::bars_lost, flag, "bars-lost", "",
     "the BARs in config space are 0, as after a reset that nobody restored them from; accesses miss them"},
    {Fault::vanish, flag, "vanish", "",
     "the device is gone: all reads are all ones, writes and resets are lost"},
    // firmware beside the host
    {Fault::firmware_steps, gaps, "firmware-steps", "",
     "the firmware does one thing at a time, each so many BAR0 accesses after the one before. EMEM: takes "
     "the "
     "command, sets one pointer of the reply queue, the other. MNOC: makes room, takes the request, shows "
     "the "
     "reply, sees that it was fetched. Boot: registers answer, mode word, boot complete"},
    {Fault::tail_first, flag, "tail-first", "",
     "with firmware-steps, the tail of the EMEM reply queue is set before its head"},
};

std::optional<std::uint32_t> parse_number(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
    base = 16;
  }
  std::uint32_t number = 0;
  const char* const end = std::to_address(text.end());
  const auto [rest, status] = std::from_chars(std::to_address(text.begin()), end, number, base);
  if (status != std::errc{} || rest != end || number == 0) return std::nullopt;
  return number;
}

std::optional<unsigned> parse_knob(std::string_view text) {
  const auto knob = parse_number(text);
  return knob && *knob <= 0xFFFF ? knob : std::nullopt;
}

std::optional<FaultSetting> parse_gaps(std::string_view text) {
  FaultSetting setting;
  while (true) {
    const auto slash = text.find('/');
    const auto word = text.substr(0, slash);
    const auto gap = word == "0" ? std::optional(0U) : parse_number(word);
    if (!gap || *gap > 255) return std::nullopt;
    setting.gaps.push_back(*gap);
    if (slash == std::string_view::npos) return setting;
    text.remove_prefix(slash + 1);
  }
}

bool has_word(std::string_view words, std::string_view word) {
  if (word.empty()) return false;
  while (!words.empty()) {
    const auto blank = words.find(' ');
    if (words.substr(0, blank) == word) return true;
    if (blank == std::string_view::npos) return false;
    words.remove_prefix(blank + 1);
  }
  return false;
}

std::optional<FaultSetting> parse_error_value(std::string_view text) {
  FaultSetting setting;
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    setting.word = text.substr(slash + 1);
    if (!has_word("read write", setting.word)) return std::nullopt;
    text = text.substr(0, slash);
  }
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    setting.knob = parse_knob(text.substr(at + 1));
    if (!setting.knob) return std::nullopt;
    text = text.substr(0, at);
  }
  const auto number = parse_number(text);
  if (!number) return std::nullopt;
  setting.number = *number;
  return setting;
}

}  // namespace

std::span<const FaultInfo> fault_table() {
  return kTable;
}

const FaultInfo* find_fault(std::string_view name) {
  const auto* const found = std::ranges::find(kTable, name, &FaultInfo::name);
  return found == std::end(kTable) ? nullptr : found;
}

std::optional<FaultSetting> parse_fault_value(const FaultInfo& info, std::string_view text) {
  FaultSetting setting;
  switch (info.value) {
    case flag:
      return text == "1" ? std::optional(setting) : std::nullopt;
    case number: {
      const auto parsed = parse_number(text);
      if (!parsed) return std::nullopt;
      setting.number = *parsed;
      return setting;
    }
    case choice:
      if (!has_word(info.choices, text)) return std::nullopt;
      setting.word = text;
      return setting;
    case knob:
      if (text == "1") return setting;
      if (!text.starts_with('@')) return std::nullopt;
      setting.knob = parse_knob(text.substr(1));
      return setting.knob ? std::optional(setting) : std::nullopt;
    case gaps:
      return parse_gaps(text);
    case error:
      return parse_error_value(text);
  }
  return std::nullopt;
}

bool applies_to(Fault fault, const Profile& profile) {
  switch (fault) {
    case Fault::mnoc_not_ready:
    case Fault::mnoc_no_credit:
    case Fault::mnoc_error:
    case Fault::firewall_stuck:
    case Fault::firewall_delay:
      return profile.is_blackwell;
    case Fault::tail_first:
      return profile.mailbox == MailboxKind::emem;
    case Fault::invalid_state:
      return profile.has_cc;
    default:
      return true;
  }
}

void Faults::set(Fault fault, FaultSetting setting) {
  settings_[fault] = std::move(setting);
}

void Faults::clear(Fault fault) {
  settings_.erase(fault);
}

void Faults::clear_all() {
  settings_.clear();
}

bool Faults::on(Fault fault) const {
  return settings_.contains(fault);
}

bool Faults::on(Fault fault, unsigned knob) const {
  const FaultSetting* const setting = find(fault);
  return setting != nullptr && (!setting->knob || *setting->knob == knob);
}

const FaultSetting* Faults::find(Fault fault) const {
  const auto found = settings_.find(fault);
  return found == settings_.end() ? nullptr : &found->second;
}

std::uint32_t Faults::number(Fault fault, std::uint32_t otherwise) const {
  const FaultSetting* const setting = find(fault);
  return setting == nullptr ? otherwise : setting->number;
}

bool Faults::use_up(Fault fault) {
  const auto found = settings_.find(fault);
  if (found == settings_.end()) return false;
  if (--found->second.number == 0) settings_.erase(found);
  return true;
}

}  // namespace emulator
