// Where the device stands after a reset, measured lazily against the clock.
#pragma once

#include <optional>

#include "context.h"

namespace emulator {

enum class BootPhase {
  unreachable,  // nothing answers on the bus
  booting,      // registers answer, the firmware does not yet
  running,
};

class BootSequence {
 public:
  explicit BootSequence(const Context& context) : context_(context) {}

  void restart();
  // As if the last reset were long ago.
  void finish();
  // Notes the end of a boot; true when that is news.
  bool advance();

  BootPhase phase() const;
  bool running() const { return phase() == BootPhase::running; }
  // Blackwell: BAR0 is hidden behind the firewall.
  bool firewall_closed() const;

 private:
  const Context& context_;
  std::optional<Duration> reset_at_;  // none: long ago
  Duration answers_at_{};
  Duration boots_at_{};
  bool complete_ = true;
};

}  // namespace emulator
