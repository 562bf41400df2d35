// One device as far as Confidential Computing goes: is it up, which mode is latched, which knobs are stored.
// Used by the thread that holds the device's access.
#pragma once

#include "common/base/clock.h"
#include "daemon/hardware/chip.h"
#include "daemon/hardware/prc_client.h"

namespace nvccd {

// The mode latched at the last reset. nullopt: a combination of bits that is no mode, which setting any mode
// repairs.
struct ActiveMode {
  std::optional<Mode> mode;
  std::uint32_t word = 0;  // the whole register
};

ActiveMode decode_mode(const Chip& chip, std::uint32_t word);

class ConfidentialDevice {
 public:
  // Finds out what the device is, and waits until it has booted, at most for `limit`. All ones and bus errors
  // are what a booting device may answer. Fails when the device is broken (the error says what it answered
  // last), or has a chip without Confidential Computing.
  static Result<ConfidentialDevice> open(DeviceKind kind, std::uint16_t device_id, DeviceAccess& access,
                                         Clock& clock, Duration limit);

  const Chip& chip() const { return *chip_; }

  // Waits until the device has booted once more, after a reset.
  Result<> wait_until_booted(Duration limit);

  Result<ActiveMode> active_mode();

  // The stored values of the knobs that make `mode`, in the order of target_knobs(). A knob that this
  // firmware does not know is left out where the mode can do without it; otherwise not_supported.
  Result<std::vector<KnobSetting>> stored_knobs(Mode mode);

  // Writes one knob, with read-back.
  Result<> write_knob(const KnobSetting& setting);

  // The same, but only where the stored value differs: a knob whose write was refused need not be put back.
  Result<> restore_knob(const KnobSetting& setting);

  // Whether the firmware knows the PPCIe knob. Always false for chips without PPCIe.
  Result<bool> knows_ppcie();

 private:
  ConfidentialDevice(const Chip& chip, DeviceAccess& access, Clock& clock)
      : chip_(&chip),
        access_(&access),
        clock_(&clock),
        prc_(make_transport(chip.mailbox, access.registers(), clock), clock) {}

  using StoredValue = std::optional<std::uint16_t>;  // nullopt: the firmware does not know the knob
  struct BootWatch {
    bool ring_initialised = false;
    std::optional<Deadline> recovery_limit;  // while the device seems to be in recovery
  };

  Result<StoredValue> read_knob(Knob knob);
  Result<bool> in_recovery();
  Result<bool> examine(BootWatch& watch);
  Result<> wait_for_bar_firewall(const Deadline& deadline);
  Result<> initialise_register_ring();

  const Chip* chip_;
  DeviceAccess* access_;
  Clock* clock_;
  PrcClient prc_;
  // The PPCIe knob as knows_ppcie() read it, for the next stored_knobs(). Forgotten when used, and by
  // anything that may change the knob.
  std::optional<StoredValue> ppcie_;
};

}  // namespace nvccd
