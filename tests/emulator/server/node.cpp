#include "node.h"

#include <fmt/format.h>

#include <utility>

#include "tests/emulator/faults.h"

namespace emulator::server {

namespace {

std::string known_faults() {
  std::string list;
  for (const FaultInfo& info : fault_table())
    list += fmt::format("{}{}", list.empty() ? "" : ", ", info.name);
  return list;
}

}  // namespace

Node::Node(vfio_user::EventLoop& loop, Clock& clock, EventLog& log, std::filesystem::path directory,
           Delays delays)
    : loop_(loop), clock_(clock), log_(log), directory_(std::move(directory)), delays_(delays) {}

std::expected<void, std::string> Node::add(const DeviceDescription& description) {
  Slot* slot = find(description.name);
  if (slot != nullptr && slot->socket) {
    return std::unexpected(fmt::format("{} is there already", description.name));
  }
  if (slot != nullptr && slot->description.model == description.model) {
    slot->device->reset(ResetKind::power);
    return serve(*slot);
  }
  Slot fresh{.description = description, .device = {}, .socket = {}, .delays = delays_, .faults = {}};
  fresh.device = make_device(
      description.model, clock_, delays_,
      [this, name = description.name](std::string_view event, const Details& details) {
        log_.write(name, event, details);
      },
      description.options);
  if (auto served = serve(fresh); !served) return served;
  slots_.insert_or_assign(description.name, std::move(fresh));
  return {};
}

std::expected<void, std::string> Node::serve(Slot& slot) {
  const std::string& name = slot.description.name;
  auto socket = vfio_user::DeviceSocket::open(loop_, directory_ / (name + ".sock"), *slot.device,
                                              [this, name](bool connected, const std::string& reason) {
                                                if (connected) {
                                                  log_.write(name, "client-connected");
                                                } else {
                                                  log_.write(name, "client-left", {{"reason", reason}});
                                                }
                                              });
  if (!socket) return std::unexpected(socket.error());
  slot.socket = std::move(*socket);
  log_.write(name, "added", {{"model", std::string(model_name(slot.description.model))}});
  return {};
}

std::expected<void, std::string> Node::kill(const std::string& name) {
  Slot* slot = find(name);
  if (slot == nullptr || !slot->socket) return std::unexpected(fmt::format("there is no device {}", name));
  slot->socket.reset();
  log_.write(name, "killed");
  return {};
}

std::expected<void, std::string> Node::set_fault(Slot& slot, const std::string& fault,
                                                 const std::string& value) {
  if (!slot.device->set_fault(fault, value)) {
    const FaultInfo* info = find_fault(fault);
    if (info == nullptr) {
      return std::unexpected(fmt::format("no fault \"{}\": use one of {}", fault, known_faults()));
    }
    return std::unexpected(fmt::format("fault {} ({}) does not take \"{}\" or is none of {}", fault,
                                       info->meaning, value, model_name(slot.description.model)));
  }
  if (value.empty()) {
    slot.faults.erase(fault);
  } else {
    slot.faults[fault] = value;
  }
  return {};
}

void Node::clear_faults(Slot& slot) {
  slot.device->clear_faults();
  slot.faults.clear();
}

void Node::set_delays(Slot& slot, const Delays& delays) {
  slot.delays = delays;
  slot.device->set_delays(delays);
}

void Node::note(const std::string& text) {
  log_.write("", "note", {{"text", text}});
}

Slot* Node::find(const std::string& name) {
  const auto found = slots_.find(name);
  return found != slots_.end() ? &found->second : nullptr;
}

}  // namespace emulator::server
