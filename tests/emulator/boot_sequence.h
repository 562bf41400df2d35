// Where the device stands after a reset, measured lazily against the clock.
#pragma once

#include <optional>

#include "context.h"
#include "firmware_steps.h"

namespace emulator {

enum class BootPhase {
  unreachable,  // nothing answers on the bus
  booting,      // registers answer, the firmware does not yet
  running,
};

class BootSequence {
 public:
  explicit BootSequence(Context& context);

  void restart();
  // As if the last reset were long ago.
  void finish();
  // Notes the end of a boot; true when that is news.
  bool advance();

  BootPhase phase() const;
  bool running() const { return phase() == BootPhase::running; }
  // Of a device that answers: its BAR0 does too, and the mode word is there.
  bool has_registers() const { return has_reached(Stage::registers); }
  bool has_mode() const;
  // Blackwell: BAR0 is hidden behind the firewall.
  bool firewall_closed() const;

 private:
  enum class Stage { none, registers, mode, complete };

  BootPhase phase_by_time() const;
  bool has_reached(Stage stage) const;

  Context& context_;
  FirmwareSteps steps_;
  Stage stage_ = Stage::complete;
  std::optional<Duration> reset_at_;  // none: long ago
  Duration answers_at_{};
  Duration boots_at_{};
  bool complete_ = true;
};

}  // namespace emulator
