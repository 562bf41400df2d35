// The emulated devices of one server, each with its socket, and what tests may do to them.
#pragma once

#include <expected>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "event_log.h"
#include "node_description.h"
#include "tests/emulator/clock.h"
#include "tests/emulator/device.h"
#include "tests/emulator/vfio_user/device_socket.h"

namespace emulator::server {

struct Slot {
  DeviceDescription description;
  std::unique_ptr<Device> device;
  std::unique_ptr<vfio_user::DeviceSocket> socket;  // none: the device was killed
  Delays delays;
  std::map<std::string, std::string> faults;  // switched on, by name

  bool connected() const { return socket && socket->session() != nullptr; }
};

// Errors are sentences.
class Node {
 public:
  // `loop`, `clock` and `log` must outlive the object. Sockets are made in `directory`.
  Node(vfio_user::EventLoop& loop, Clock& clock, EventLog& log, std::filesystem::path directory,
       Delays delays);

  // A new device, or a killed one plugged in again: that one was without power, but keeps its knobs.
  std::expected<void, std::string> add(const DeviceDescription& description);
  // The device vanishes from the bus: its connection breaks and its socket goes.
  std::expected<void, std::string> kill(const std::string& name);
  std::expected<void, std::string> set_fault(Slot& slot, const std::string& fault, const std::string& value);
  void clear_faults(Slot& slot);
  void set_delays(Slot& slot, const Delays& delays);
  // Makes the log say why something happened.
  void note(const std::string& text);

  Slot* find(const std::string& name);
  std::map<std::string, Slot>& slots() { return slots_; }

 private:
  std::expected<void, std::string> serve(Slot& slot);

  vfio_user::EventLoop& loop_;
  Clock& clock_;
  EventLog& log_;
  std::filesystem::path directory_;
  Delays delays_;
  std::map<std::string, Slot> slots_;
};

}  // namespace emulator::server
