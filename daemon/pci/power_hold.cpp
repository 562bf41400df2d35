#include "daemon/pci/power_hold.h"

#include <fcntl.h>
#include <fmt/format.h>

namespace nvccd {
namespace {

using namespace std::chrono_literals;

constexpr Duration wake_limit = 5s;
constexpr Duration wake_step = 2ms;

}  // namespace

Result<PowerHold> PowerHold::take(const HeldDirectory& device, Clock& clock) {
  const std::string name = "power/control";
  const auto previous = device.read(name);
  if (!previous) return std::unexpected(previous.error());
  auto control = device.open_file(name, O_WRONLY);
  if (!control) return std::unexpected(control.error());
  PowerHold hold(*previous == "on" ? UniqueFd() : *std::move(control), *previous);
  // The kernel returns from this write when it has woken the device up.
  if (*previous != "on")
    if (auto written = device.write(name, "on"); !written) return std::unexpected(written.error());

  const Deadline deadline(clock, wake_limit);
  while (true) {
    const auto state = device.read("power_state");
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
  if (control_) (void)write_attribute(control_, "power/control", previous_);
}

}  // namespace nvccd
