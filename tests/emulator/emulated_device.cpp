#include "emulated_device.h"

#include <utility>

#include "emem_mailbox.h"
#include "mnoc_mailbox.h"

namespace emulator {
namespace {

constexpr std::uint32_t kSanityDword = 0xF0;
constexpr std::uint32_t kFirstBarRegister = 0x10;
constexpr std::uint32_t kLastBar = 0x24;
constexpr std::uint32_t kBarFlags = 0xF;

std::unique_ptr<Mailbox> make_mailbox(Context& context, Fsp& fsp) {
  if (context.profile.mailbox == MailboxKind::mnoc) return std::make_unique<MnocMailbox>(context, fsp);
  return std::make_unique<EmemMailbox>(context, fsp);
}

std::string name_of(ResetKind kind) {
  switch (kind) {
    case ResetKind::function_level:
      return "flr";
    case ResetKind::bus:
      return "bus";
    case ResetKind::power:
      return "power";
  }
  return "unknown";
}

bool on_bus(std::uint32_t offset, unsigned width) {
  return (width == 1 || width == 2 || width == 4) && offset % width == 0 && offset < kConfigSize;
}

std::uint32_t width_mask(unsigned width) {
  return width == 4 ? kAllOnes : (1U << (8 * width)) - 1;
}

}  // namespace

EmulatedDevice::EmulatedDevice(const Profile& profile, const Clock& clock, const Delays& delays,
                               EventSink sink, const DeviceOptions& options)
    : context_{.clock = clock,
               .profile = profile,
               .delays = delays,
               .sink = std::move(sink),
               .faults = {},
               .counters = {}},
      config_(profile, options),
      mailbox_(make_mailbox(context_, fsp_)),
      registers_(context_, boot_, mode_, *mailbox_) {}

void EmulatedDevice::advance() {
  if (boot_.advance()) context_.emit("booted", {});
  mailbox_->advance();
}

bool EmulatedDevice::answers() const {
  return !context_.faults.on(Fault::vanish) && boot_.phase() != BootPhase::unreachable;
}

std::uint32_t EmulatedDevice::config_dword(std::uint32_t offset) const {
  const Profile& profile = context_.profile;
  const Faults& faults = context_.faults;
  std::uint32_t value = config_.read(offset);
  if (offset == kSanityDword && faults.on(Fault::config_f0_all_ones)) value |= 0xFFFF;
  // What BARs are, but not where, is wired.
  if (offset >= kFirstBarRegister && offset <= kLastBar && faults.on(Fault::bars_lost))
    value &= config_.bar((offset - kFirstBarRegister) / 4).size != 0 ? kBarFlags : 0;
  if (offset == profile.fault_word_config && offset != 0) value = faults.number(Fault::security_fault, 0);
  if (profile.is_blackwell && offset == kFirewallWord && boot_.firewall_closed()) value |= kFirewallClosed;
  return value;
}

std::uint32_t EmulatedDevice::config_read(std::uint32_t offset, unsigned width) {
  advance();
  if (!answers() || !on_bus(offset, width)) return width_mask(width);
  const std::uint32_t shift = 8 * (offset % 4);
  return config_dword(offset & ~3U) >> shift & width_mask(width);
}

void EmulatedDevice::config_write(std::uint32_t offset, unsigned width, std::uint32_t value) {
  advance();
  if (!answers() || !on_bus(offset, width)) return;
  const unsigned lane = offset % 4;
  const unsigned lanes = ((1U << width) - 1) << lane;
  if (config_.write(offset & ~3U, lanes, value << (8 * lane))) reset(ResetKind::function_level);
}

bool EmulatedDevice::decodes(unsigned index, std::uint64_t offset) const {
  return answers() && config_.memory_enabled() && config_.in_d0() && !context_.faults.on(Fault::bars_lost) &&
         offset % 4 == 0 && offset < config_.bar(index).size;
}

std::uint32_t EmulatedDevice::bar_read(unsigned index, std::uint64_t offset) {
  advance();
  if (index == 0) ++context_.counters.register_accesses;
  if (!decodes(index, offset)) return kAllOnes;
  return index == 0 ? registers_.read(static_cast<std::uint32_t>(offset)) : 0;
}

void EmulatedDevice::bar_write(unsigned index, std::uint64_t offset, std::uint32_t value) {
  advance();
  if (index == 0) ++context_.counters.register_accesses;
  if (!decodes(index, offset)) return;
  if (index != 0) return;
  registers_.write(static_cast<std::uint32_t>(offset), value);
  mailbox_->advance();  // a reply without delay is there for the next look
}

bool EmulatedDevice::reset_has_effect(ResetKind kind) const {
  const Faults& faults = context_.faults;
  if (faults.on(Fault::vanish)) return false;
  if (kind == ResetKind::power) return true;
  if (faults.on(Fault::reset_fails)) return false;
  const FaultSetting* const ignored = faults.find(Fault::reset_ignored);
  return ignored == nullptr || (ignored->word != "1" && ignored->word != name_of(kind));
}

void EmulatedDevice::reset(ResetKind kind) {
  advance();
  Counters& counters = context_.counters;
  if (kind == ResetKind::function_level) ++counters.function_level_resets;
  if (kind == ResetKind::bus) ++counters.bus_resets;
  if (kind == ResetKind::power) ++counters.power_cycles;
  if (!reset_has_effect(kind)) {
    context_.emit("reset", {{"kind", name_of(kind)}, {"ignored", "true"}});
    return;
  }
  context_.emit("reset", {{"kind", name_of(kind)}});
  config_.reset(kind);
  if (kind == ResetKind::power && context_.faults.on(Fault::d3_at_start)) config_.enter_d3hot();
  registers_.reset(kind);
  mailbox_->reset();
  boot_.restart();
  if (!context_.faults.on(Fault::not_latched)) latch_knobs();
}

void EmulatedDevice::latch_knobs() {
  mode_ = latch(knobs_, context_.profile);
  context_.emit("latched", {{"mode", emulator::name_of(mode_)}, {"knobs", mode_knobs(knobs_)}});
}

void EmulatedDevice::latch_now() {
  latch_knobs();
  boot_.finish();
}

bool EmulatedDevice::set_fault(std::string_view name, std::string_view value) {
  advance();
  const FaultInfo* const info = find_fault(name);
  if (info == nullptr || !applies_to(info->fault, context_.profile)) return false;
  if (value.empty()) {
    context_.faults.clear(info->fault);
  } else {
    auto setting = parse_fault_value(*info, value);
    if (!setting) return false;
    plant(info->fault, *setting);
  }
  context_.emit("fault", {{"name", std::string(name)}, {"value", std::string(value)}});
  return true;
}

void EmulatedDevice::plant(Fault fault, const FaultSetting& setting) {
  switch (fault) {
    case Fault::stale_queues:
      if (setting.word != "message") mailbox_->plant(Stale::command);
      if (setting.word != "command") mailbox_->plant(Stale::message);
      return;
    case Fault::invalid_state:
      knobs_.set(knob::kDevtools, 1);
      knobs_.set(knob::kCc, 0);
      knobs_.set(knob::kPpcie, 0);
      latch_now();
      return;
    case Fault::d3_at_start:
      config_.enter_d3hot();
      break;
    default:
      break;
  }
  context_.faults.set(fault, setting);
}

void EmulatedDevice::clear_faults() {
  advance();
  context_.faults.clear_all();
  context_.emit("fault", {{"name", "all"}, {"value", ""}});
}

std::unique_ptr<Device> make_device(Model model, Clock& clock, const Delays& delays, EventSink sink,
                                    const DeviceOptions& options) {
  return std::make_unique<EmulatedDevice>(profile_of(model), clock, delays, std::move(sink), options);
}

}  // namespace emulator
