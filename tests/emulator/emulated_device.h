// The device as a whole: its parts, what a reset does to them, and when the bus reaches them.
#pragma once

#include <memory>

#include "active_mode.h"
#include "boot_sequence.h"
#include "config_space.h"
#include "context.h"
#include "device.h"
#include "fsp.h"
#include "knobs.h"
#include "mailbox.h"
#include "registers.h"

namespace emulator {

class EmulatedDevice final : public Device {
 public:
  EmulatedDevice(const Profile& profile, const Clock& clock, const Delays& delays, EventSink sink,
                 const DeviceOptions& options);
  EmulatedDevice(const EmulatedDevice&) = delete;
  EmulatedDevice& operator=(const EmulatedDevice&) = delete;
  EmulatedDevice(EmulatedDevice&&) = delete;  // its parts refer to each other
  EmulatedDevice& operator=(EmulatedDevice&&) = delete;
  ~EmulatedDevice() override = default;

  std::uint32_t config_read(std::uint32_t offset, unsigned width) override;
  void config_write(std::uint32_t offset, unsigned width, std::uint32_t value) override;
  BarInfo bar(unsigned index) const override { return config_.bar(index); }
  std::uint32_t bar_read(unsigned index, std::uint64_t offset) override;
  void bar_write(unsigned index, std::uint64_t offset, std::uint32_t value) override;
  void reset(ResetKind kind) override;

  Model model() const override { return context_.profile.model; }
  std::string active_mode() const override { return name_of(mode_); }
  bool booted() const override { return boot_.running(); }
  std::uint16_t knob(unsigned id) const override { return knobs_.get(id); }
  void set_knob(unsigned id, std::uint16_t value) override { knobs_.set(id, value); }
  void latch_now() override;
  const Counters& counters() const override { return context_.counters; }
  void set_delays(const Delays& delays) override { context_.delays = delays; }
  bool set_fault(std::string_view name, std::string_view value) override;
  void clear_faults() override;
  bool reset_fails() const override { return context_.faults.on(Fault::reset_fails); }

 private:
  // Catches up with the clock; first in everything the outside does.
  void advance();
  bool answers() const;
  bool decodes(unsigned index, std::uint64_t offset) const;
  bool reset_has_effect(ResetKind kind) const;
  std::uint32_t config_dword(std::uint32_t offset) const;
  void latch_knobs();
  void plant(Fault fault, const FaultSetting& setting);

  Context context_;
  ConfigSpace config_;
  KnobStore knobs_;
  ActiveMode mode_;
  BootSequence boot_{context_};
  Fsp fsp_{context_, boot_, knobs_};
  std::unique_ptr<Mailbox> mailbox_;
  Registers registers_;
};

}  // namespace emulator
