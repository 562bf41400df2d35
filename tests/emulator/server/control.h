// The requests of the control socket. Each is a JSON object with "op"; the answer has "ok", and "error" (a
// sentence) when that is false. "device" names one device; where it may be left out, all are meant.
//   {"op": "status", ["device"]}                          state, knobs, counters, faults, delays
//   {"op": "fault", "device", "name", "value"}            value "" switches the fault off
//   {"op": "clear-faults", ["device"]}
//   {"op": "delays", ["device"], "reply_us", "reset_ms", "boot_ms"}   those named
//   {"op": "set-knob", "device", "knob", "value"}
//   {"op": "latch", "device"}                             knobs become active as by a reset long ago
//   {"op": "add", "name", "model", ["device_id"], ["bar1_mib"]}
//   {"op": "kill", "device"}                              vanishes from the bus; "add" plugs it in again
//   {"op": "power-cycle", ["device"]}
//   {"op": "note", "text"}                                a line in the event log
#pragma once

#include <string>

#include "node.h"

namespace emulator::server {

// Answers one line with one line, both without the line's end.
std::string handle_control(Node& node, const std::string& line);

}  // namespace emulator::server
