#include "control.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

namespace emulator::server {

namespace {

using nlohmann::json;
using nlohmann::ordered_json;

using Answer = std::expected<ordered_json, std::string>;

// Those that tools look at when it is about the mode, and the permission to switch PPCIe (44).
constexpr unsigned shown_knobs[] = {2, 4, 6, 8, 10, 34, 44, 45};
constexpr unsigned last_knob = 47;

template <typename Unit>
std::int64_t count_of(Duration duration) {
  return std::chrono::duration_cast<Unit>(duration).count();
}

std::optional<std::string> text(const json& request, const char* key) {
  const auto found = request.find(key);
  if (found == request.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::optional<std::uint64_t> number(const json& request, const char* key, std::uint64_t most) {
  const auto found = request.find(key);
  if (found == request.end() || !found->is_number_unsigned()) return std::nullopt;
  const auto value = found->get<std::uint64_t>();
  return value <= most ? std::optional(value) : std::nullopt;
}

std::expected<Slot*, std::string> one_device(Node& node, const json& request) {
  const auto name = text(request, "device");
  if (!name) return std::unexpected("\"device\" must name a device");
  Slot* slot = node.find(*name);
  if (slot == nullptr) return std::unexpected(fmt::format("there is no device {}", *name));
  return slot;
}

std::expected<std::vector<Slot*>, std::string> one_or_all(Node& node, const json& request) {
  std::vector<Slot*> slots;
  if (request.contains("device")) {
    const auto slot = one_device(node, request);
    if (!slot) return std::unexpected(slot.error());
    slots.push_back(*slot);
  } else {
    for (auto& [name, slot] : node.slots())
      slots.push_back(&slot);
  }
  return slots;
}

ordered_json describe(const Slot& slot) {
  const Device& device = *slot.device;
  const Counters& counters = device.counters();
  ordered_json knobs = ordered_json::object();
  for (const unsigned id : shown_knobs)
    knobs[std::to_string(id)] = device.knob(id);
  return {{"device", slot.description.name},
          {"model", model_name(slot.description.model)},
          {"present", slot.socket != nullptr},
          {"connected", slot.connected()},
          {"active_mode", device.active_mode()},
          {"booted", device.booted()},
          {"knobs", knobs},
          {"counters",
           {{"function_level_resets", counters.function_level_resets},
            {"bus_resets", counters.bus_resets},
            {"power_cycles", counters.power_cycles},
            {"knob_reads", counters.knob_reads},
            {"knob_writes", counters.knob_writes},
            {"register_accesses", counters.register_accesses},
            {"protocol_errors", counters.protocol_errors}}},
          {"faults", slot.faults},
          {"delays",
           {{"reply_us", count_of<std::chrono::microseconds>(slot.delays.reply)},
            {"reset_ms", count_of<std::chrono::milliseconds>(slot.delays.reset)},
            {"boot_ms", count_of<std::chrono::milliseconds>(slot.delays.boot)}}}};
}

Answer status(Node& node, const json& request) {
  if (request.contains("device")) {
    const auto slot = one_device(node, request);
    if (!slot) return std::unexpected(slot.error());
    return describe(**slot);
  }
  ordered_json devices = ordered_json::array();
  for (const auto& [name, slot] : node.slots())
    devices.push_back(describe(slot));
  return ordered_json{{"devices", devices}};
}

Answer fault(Node& node, const json& request) {
  const auto slot = one_device(node, request);
  if (!slot) return std::unexpected(slot.error());
  const auto name = text(request, "name");
  const auto value = text(request, "value");
  if (!name || !value) return std::unexpected("\"name\" and \"value\" must be strings");
  if (const auto set = node.set_fault(**slot, *name, *value); !set) return std::unexpected(set.error());
  return ordered_json::object();
}

Answer clear_faults(Node& node, const json& request) {
  const auto slots = one_or_all(node, request);
  if (!slots) return std::unexpected(slots.error());
  for (Slot* slot : *slots)
    node.clear_faults(*slot);
  return ordered_json::object();
}

Answer delays(Node& node, const json& request) {
  constexpr std::uint64_t hour_us = 3'600'000'000;
  const auto slots = one_or_all(node, request);
  if (!slots) return std::unexpected(slots.error());
  const auto reply = number(request, "reply_us", hour_us);
  const auto reset = number(request, "reset_ms", hour_us / 1000);
  const auto boot = number(request, "boot_ms", hour_us / 1000);
  if (!reply && !reset && !boot) {
    return std::unexpected("give \"reply_us\", \"reset_ms\" or \"boot_ms\", each at most an hour");
  }
  for (Slot* slot : *slots) {
    Delays wanted = slot->delays;
    if (reply) wanted.reply = std::chrono::microseconds(*reply);
    if (reset) wanted.reset = std::chrono::milliseconds(*reset);
    if (boot) wanted.boot = std::chrono::milliseconds(*boot);
    node.set_delays(*slot, wanted);
  }
  return ordered_json::object();
}

Answer set_knob(Node& node, const json& request) {
  const auto slot = one_device(node, request);
  if (!slot) return std::unexpected(slot.error());
  const auto knob = number(request, "knob", last_knob);
  const auto value = number(request, "value", 0xFFFF);
  if (!knob || *knob == 0 || !value) {
    return std::unexpected(fmt::format("\"knob\" must be 1 to {} and \"value\" 0 to 65535", last_knob));
  }
  (*slot)->device->set_knob(static_cast<unsigned>(*knob), static_cast<std::uint16_t>(*value));
  return ordered_json::object();
}

Answer latch(Node& node, const json& request) {
  const auto slot = one_device(node, request);
  if (!slot) return std::unexpected(slot.error());
  (*slot)->device->latch_now();
  return ordered_json::object();
}

Answer add(Node& node, const json& request) {
  const auto description = parse_device(request);
  if (!description) return std::unexpected(description.error());
  if (const auto added = node.add(*description); !added) return std::unexpected(added.error());
  return ordered_json::object();
}

Answer kill(Node& node, const json& request) {
  const auto name = text(request, "device");
  if (!name) return std::unexpected("\"device\" must name a device");
  if (const auto killed = node.kill(*name); !killed) return std::unexpected(killed.error());
  return ordered_json::object();
}

Answer power_cycle(Node& node, const json& request) {
  const auto slots = one_or_all(node, request);
  if (!slots) return std::unexpected(slots.error());
  for (Slot* slot : *slots)
    slot->device->reset(ResetKind::power);
  return ordered_json::object();
}

Answer note(Node& node, const json& request) {
  const auto words = text(request, "text");
  if (!words) return std::unexpected("\"text\" must be a string");
  node.note(*words);
  return ordered_json::object();
}

constexpr std::pair<std::string_view, Answer (*)(Node&, const json&)> operations[] = {
    {"status", status}, {"fault", fault},       {"clear-faults", clear_faults},
    {"delays", delays}, {"set-knob", set_knob}, {"latch", latch},
    {"add", add},       {"kill", kill},         {"power-cycle", power_cycle},
    {"note", note},
};

Answer dispatch(Node& node, const std::string& line) {
  const json request = json::parse(line, nullptr, false);
  if (!request.is_object()) return std::unexpected("a request must be a JSON object on one line");
  const std::string op = text(request, "op").value_or("");
  std::string known;
  for (const auto& [name, handler] : operations) {
    if (name == op) return handler(node, request);
    known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
  }
  return std::unexpected(fmt::format("no operation \"{}\": use one of {}", op, known));
}

}  // namespace

std::string handle_control(Node& node, const std::string& line) {
  const Answer answer = dispatch(node, line);
  if (!answer) return ordered_json{{"ok", false}, {"error", answer.error()}}.dump();
  ordered_json reply{{"ok", true}};
  reply.update(*answer);
  return reply.dump();
}

}  // namespace emulator::server
