#include "daemon/hardware/confidential_device.h"

#include <fmt/format.h>

#include <utility>

#include "daemon/hardware/pci_config.h"
#include "daemon/hardware/registers.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;

constexpr Duration boot_poll_step = 5ms;
// A boot takes seconds, and each access of it costs whoever else shares the way to the device.
constexpr Duration examination_step = 50ms;
// A device in recovery does not boot by itself; but a booting one may say so for a moment.
constexpr Duration recovery_patience = 1s;

constexpr std::uint32_t boot_complete = 0xff;

Error broken(std::string cause, std::string advice) {
  return Error{.kind = ErrorKind::hardware_failed, .cause = std::move(cause), .advice = std::move(advice)};
}

constexpr auto power_cycle_advice = "reset or power-cycle the device; if it stays so it needs service";

Error security_fault(std::uint32_t chip_id) {
  return broken(fmt::format("the device reports a security fault (chip id register {:#010x})", chip_id),
                power_cycle_advice);
}

}  // namespace

ActiveMode decode_mode(const Chip& chip, std::uint32_t word) {
  const auto bit = [&](std::optional<unsigned> position, unsigned next = 0) {
    return position && (word >> (*position + next) & 1) != 0;
  };
  const bool cc = bit(chip.cc_bit);
  const bool devtools = bit(chip.cc_bit, 1);
  const bool ppcie = bit(chip.ppcie_bit);
  const auto mode = [&]() -> std::optional<Mode> {
    if (ppcie) return cc || devtools ? std::nullopt : std::optional(Mode::ppcie);
    if (devtools) return cc ? std::optional(Mode::devtools) : std::nullopt;
    return cc ? Mode::on : Mode::off;
  };
  return ActiveMode{mode(), word};
}

namespace {

Result<const Chip*> identify_gpu(std::uint16_t device_id) {
  if (const Chip* chip = find_gpu_chip(device_id)) return chip;
  return std::unexpected(Error{.kind = ErrorKind::not_supported,
                               .cause = "this GPU has no Confidential Computing",
                               .advice = "exclude it in nvccd.toml with managed = false"});
}

// Only the chip id register tells what a switch is, and a booting switch does not answer at once.
Result<const Chip*> identify_switch(RegisterWindow& registers, const Deadline& deadline) {
  while (true) {
    const auto chip_id = registers.read(chip_id_register);
    if (!chip_id) return std::unexpected(chip_id.error());
    if (const Chip* chip = find_switch_chip(*chip_id)) return chip;
    if (is_security_fault(*chip_id)) return std::unexpected(security_fault(*chip_id));
    if (!is_unreadable(*chip_id))
      return std::unexpected(
          Error{.kind = ErrorKind::not_supported,
                .cause = fmt::format("this switch (chip id {:#010x}) has no Protected PCIe", *chip_id),
                .advice = "exclude it in nvccd.toml with managed = false"});
    if (!deadline.sleep(boot_poll_step))
      return std::unexpected(
          broken(fmt::format("the chip id register reads {:#010x}: the device does not answer", *chip_id),
                 power_cycle_advice));
  }
}

}  // namespace

Result<ConfidentialDevice> ConfidentialDevice::open(DeviceKind kind, std::uint16_t device_id,
                                                    DeviceAccess& access, Clock& clock, Duration limit) {
  const auto chip = kind == DeviceKind::gpu ? identify_gpu(device_id)
                                            : identify_switch(access.registers(), Deadline(clock, limit));
  if (!chip) return std::unexpected(chip.error());
  ConfidentialDevice device(**chip, access, clock);
  if (auto booted = device.wait_until_booted(limit); !booted) return std::unexpected(booted.error());
  return device;
}

Result<bool> ConfidentialDevice::in_recovery() {
  const auto flags = access_->registers().read(chip_->recovery.offset);
  if (!flags) return std::unexpected(flags.error());
  return !is_unreadable(*flags) && (*flags & chip_->recovery.mask) > chip_->recovery.highest_good;
}

Result<> ConfidentialDevice::wait_for_bar_firewall(const Deadline& deadline) {
  if (!chip_->has_bar_firewall) return {};
  const auto firewall = find_nvidia_dvsec(access_->config());
  if (!firewall) return std::unexpected(firewall.error());
  if (*firewall == 0) return {};  // no such capability: the boot register alone must tell
  while (true) {
    const auto header = access_->config().read(*firewall + dvsec_header2);
    if (!header) return std::unexpected(header.error());
    if (!is_all_ones(*header) && (*header & dvsec_firewall_closed) == 0) return {};
    if (!deadline.sleep(boot_poll_step))
      return std::unexpected(
          broken("the firewall in front of BAR0 did not open after the reset", power_cycle_advice));
  }
}

// After a reset Hopper's internal register bus may be left in an error state; NVIDIA's tool clears it so.
Result<> ConfidentialDevice::initialise_register_ring() {
  if (!chip_->has_register_ring) return {};
  if (auto written = access_->registers().write(0x12004c, 0x4); !written) return written;
  return access_->registers().write(0x122204, 0x2);
}

// Everything but the boot register: whether the device is ill, and whether what it reads can be trusted.
Result<bool> ConfidentialDevice::examine(BootWatch& watch) {
  const auto chip_id = access_->registers().read(chip_id_register);
  if (!chip_id) return std::unexpected(chip_id.error());
  if (is_security_fault(*chip_id)) return std::unexpected(security_fault(*chip_id));
  if (!watch.ring_initialised && !is_unreadable(*chip_id)) {
    if (auto done = initialise_register_ring(); !done) return std::unexpected(done.error());
    watch.ring_initialised = true;
  }

  const auto recovering = in_recovery();
  if (!recovering) return std::unexpected(recovering.error());
  const bool recovery = *recovering || (chip_->zero_chip_id_is_recovery && *chip_id == 0);
  if (!recovery) watch.recovery_limit.reset();
  if (recovery && !watch.recovery_limit) watch.recovery_limit.emplace(*clock_, recovery_patience);
  if (watch.recovery_limit && watch.recovery_limit->passed())
    return std::unexpected(
        broken("the device is in recovery mode", "update its firmware or have it serviced"));
  return !is_unreadable(*chip_id) && !recovery;
}

Result<> ConfidentialDevice::wait_until_booted(Duration limit) {
  ppcie_.reset();
  const Deadline deadline(*clock_, limit);
  if (auto open = wait_for_bar_firewall(deadline); !open) return open;

  BootWatch watch;
  Deadline next_examination(*clock_, Duration::zero());
  while (true) {
    // First, so that what is read after it comes from a device that had booted, if this says so.
    const auto boot = access_->registers().read(chip_->boot_register);
    if (!boot) return std::unexpected(boot.error());
    if (*boot == boot_complete || !watch.ring_initialised || next_examination.passed()) {
      const auto fit = examine(watch);
      if (!fit) return std::unexpected(fit.error());
      if (*boot == boot_complete && *fit) return {};
      next_examination = Deadline(*clock_, examination_step);
    }
    if (!deadline.sleep(boot_poll_step)) {
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
      return std::unexpected(broken(
          is_all_ones(*boot)
              ? fmt::format("every register reads 0xffffffff after {} s: the device does not answer", seconds)
              : fmt::format("the firmware did not boot within {} s (boot register {:#x} reads {:#010x})",
                            seconds, chip_->boot_register, *boot),
          power_cycle_advice));
    }
  }
}

Result<ActiveMode> ConfidentialDevice::active_mode() {
  const auto word = access_->registers().read(chip_->mode_register);
  if (!word) return std::unexpected(word.error());
  if (is_unreadable(*word))
    return std::unexpected(
        broken(fmt::format("the mode register {:#x} reads {:#010x}", chip_->mode_register, *word),
               power_cycle_advice));
  return decode_mode(*chip_, *word);
}

Result<ConfidentialDevice::StoredValue> ConfidentialDevice::read_knob(Knob knob) {
  if (knob == Knob::ppcie && ppcie_) return *std::exchange(ppcie_, std::nullopt);
  return prc_.read(knob);
}

Result<std::vector<KnobSetting>> ConfidentialDevice::stored_knobs(Mode mode) {
  std::vector<KnobSetting> stored;
  for (const auto& target : target_knobs(chip_->architecture, mode)) {
    const auto value = read_knob(target.knob);
    if (!value) return std::unexpected(value.error());
    if (*value) {
      stored.push_back({target.knob, **value});
    } else if (target.value != 0) {
      return std::unexpected(
          Error{.kind = ErrorKind::not_supported,
                .cause = fmt::format("the device's firmware does not know {}, which mode {} needs",
                                     to_string(target.knob), to_string(mode)),
                .advice = "update the device's firmware"});
    } else if (target.knob == Knob::ppcie) {
      // Such a knob cannot be anything but off, unless older firmware was installed while it was on.
      const auto active = active_mode();
      if (!active) return std::unexpected(active.error());
      if ((active->word >> *chip_->ppcie_bit & 1) != 0)
        return std::unexpected(
            broken("the device is in mode ppcie, but its firmware does not know the knob that ends it",
                   "update the device's firmware"));
    }
  }
  return stored;
}

Result<> ConfidentialDevice::write_knob(const KnobSetting& setting) {
  ppcie_.reset();
  return prc_.write(setting.knob, setting.value);
}

Result<> ConfidentialDevice::restore_knob(const KnobSetting& setting) {
  const auto value = prc_.read(setting.knob);
  if (!value) return std::unexpected(value.error());
  return *value == setting.value ? Result<>{} : write_knob(setting);
}

Result<bool> ConfidentialDevice::knows_ppcie() {
  if (!chip_->ppcie_bit) return false;
  const auto value = prc_.read(Knob::ppcie);
  if (!value) return std::unexpected(value.error());
  ppcie_ = *value;
  return value->has_value();
}

}  // namespace nvccd
