#include "client/device_row.h"

#include "client/words.h"

namespace nvccd::client {
namespace {

// "GH100 [H100 SXM5 80GB]" -> "H100 SXM5 80GB": what is sold is in the brackets.
std::string product(const std::string& name) {
  const auto begin = name.find('[');
  const auto end = name.rfind(']');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return name;
  return name.substr(begin + 1, end - begin - 1);
}

}  // namespace

std::vector<Column> device_columns() {
  return {{.heading = "ADDRESS"},
          {.heading = "KIND", .dispensable = 1},
          {.heading = "NAME", .elided_to = 14, .dispensable = 2},
          {.heading = "MODE"},
          {.heading = "STATE"}};
}

Row device_row(const DeviceView& device) {
  return {{device.address},
          {device.kind.text},
          {device.name, Colour::none, product(device.name)},
          {mode_text(device), colour_of_mode(device)},
          {state_text(device), colour_of_state(device)}};
}

Colour colour_of_mode(const DeviceView& device) {
  const bool differs = !device.requested_mode.text.empty() && device.mode != device.requested_mode;
  return differs ? Colour::yellow : Colour::none;
}

Colour colour_of_state(const DeviceView& device) {
  if (device.state == DeviceState::ready) return Colour::none;
  if (device.state == DeviceState::failed) return Colour::red;
  if (device.state == DeviceState::unmanaged) return Colour::dim;
  return Colour::yellow;
}

}  // namespace nvccd::client
