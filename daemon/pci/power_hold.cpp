#include "pci/power_hold.h"

#include <fmt/format.h>

namespace nvccd {
namespace {

using namespace std::chrono_literals;

constexpr Duration wake_limit = 5s;
constexpr Duration wake_step = 2ms;

}  // namespace

Result<PowerHold> PowerHold::take(const HostPaths& paths, const PciAddress& address, Clock& clock) {
  const auto directory = paths.device(address);
  const auto control = directory / "power" / "control";
  const auto previous = read_attribute(control);
  if (!previous) return std::unexpected(previous.error());
  PowerHold hold(control, *previous == "on" ? "" : *previous);
  if (*previous != "on")
    if (auto written = write_attribute(control, "on"); !written) return std::unexpected(written.error());

  const Deadline deadline(clock, wake_limit);
  while (true) {
    const auto state = read_attribute(directory / "power_state");
    if (!state) return std::unexpected(state.error());
    // "unknown": this kernel or bridge does not say; the registers will.
    if (*state == "D0" || *state == "unknown") return hold;
    if (!deadline.sleep(wake_step))
      return std::unexpected(
          Error{.kind = ErrorKind::hardware_failed,
                .cause = fmt::format("the device does not wake up: its power state stays {}", *state),
                .advice = "power-cycle the device"});
  }
}

PowerHold::~PowerHold() {
  // Nothing can be done about a failure: the device is gone, or it just stays awake.
  if (!previous_.empty()) (void)write_attribute(control_, previous_);
}

}  // namespace nvccd
