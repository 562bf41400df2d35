#include "hardware_truth.h"

#include <utility>
#include <vector>

namespace nvccd::test {
namespace {

using emulator::Model;
using Knobs = std::vector<std::pair<unsigned, std::uint16_t>>;

bool is_blackwell(Model model) {
  return model == Model::gb100 || model == Model::gb102 || model == Model::gb202;
}

// The table of docs/hardware.md.
Knobs knobs_of(Model model, Mode mode) {
  Knobs knobs;
  if (mode != Mode::off) knobs = {{2, 0}, {4, 0}, {34, 0}};
  const auto add = [&](const Knobs& more) { knobs.insert(knobs.end(), more.begin(), more.end()); };
  if (model == Model::ls10) {
    if (mode == Mode::ppcie) add({{6, 0}, {8, 0}});
    add({{10, 0}, {45, mode == Mode::ppcie ? 1 : 0}});
    return knobs;
  }
  add({{6, mode == Mode::devtools ? 1 : 0}, {8, mode == Mode::on || mode == Mode::devtools ? 1 : 0}});
  if (!is_blackwell(model))
    add({{10, mode == Mode::on || mode == Mode::ppcie ? 2 : 0}, {45, mode == Mode::ppcie ? 1 : 0}});
  return knobs;
}

}  // namespace

bool supports(Model model, Mode mode) {
  if (model == Model::ls10) return mode == Mode::off || mode == Mode::ppcie;
  return mode != Mode::ppcie || !is_blackwell(model);
}

bool hardware_is(const emulator::Device& device, Mode mode) {
  if (!supports(device.model(), mode) || !device.booted() || device.active_mode() != to_string(mode))
    return false;
  for (const auto& [knob, value] : knobs_of(device.model(), mode))
    if (device.knob(knob) != value) return false;
  return true;
}

void store_knobs(emulator::Device& device, Mode mode) {
  if (!supports(device.model(), mode)) return;
  for (const auto& [knob, value] : knobs_of(device.model(), mode))
    device.set_knob(knob, value);
}

}  // namespace nvccd::test
