// A host with one emulated device, driving it access by access as hardware.md's traces do. Written from the
// register description, with nothing of the daemon in it.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/emulator/device.h"

namespace emulator {

using Words = std::vector<std::uint32_t>;
using std::chrono::milliseconds;

struct Event {
  std::string name;
  std::map<std::string, std::string> details;
};

// The EMEM registers of one channel, all through the window of the same number.
struct EmemChannel {
  explicit constexpr EmemChannel(std::uint32_t channel)
      : control(0x8F2AC0 + 8 * channel),
        data(0x8F2AC4 + 8 * channel),
        command_head(0x8F2C00 + 8 * channel),
        command_tail(0x8F2C04 + 8 * channel),
        message_head(0x8F2C80 + 8 * channel),
        message_tail(0x8F2C84 + 8 * channel),
        base(0x400 * channel) {}
  std::uint32_t control, data, command_head, command_tail, message_head, message_tail, base;
};

inline constexpr std::uint32_t kAllOnes = 0xFFFFFFFF;
inline constexpr std::uint32_t kMnocSendInfo = 0x8F1F04;
inline constexpr std::uint32_t kMnocSendData = 0x8F1F08;
inline constexpr std::uint32_t kMnocReceiveInfo = 0x8F1F84;
inline constexpr std::uint32_t kMnocReceiveData = 0x8F1F88;
inline constexpr std::uint32_t kMnocReady = 1U << 24U;
inline constexpr std::uint32_t kMnocError = 1U << 25U;
inline constexpr std::uint32_t kMnocCredit = 1U << 26U;

class Host {
 public:
  explicit Host(Model model, const Delays& delays = {}, const DeviceOptions& options = {});

  std::uint32_t read(std::uint32_t offset) { return device->bar_read(0, offset); }
  void write(std::uint32_t offset, std::uint32_t value) { device->bar_write(0, offset, value); }
  std::uint32_t config(std::uint32_t offset, unsigned width = 4) {
    return device->config_read(offset, width);
  }
  void enable_memory() { device->config_write(0x04, 2, 0x0002); }
  // A reset as an operating system does it: with memory enabled again afterwards.
  void reset(ResetKind kind = ResetKind::function_level);

  // One exchange over the model's own mailbox. send is without waiting; a reply that is not there yet is
  // nullopt.
  void send(const Words& message, EmemChannel channel = EmemChannel(2));
  std::optional<Words> receive(EmemChannel channel = EmemChannel(2));
  std::optional<Words> exchange(const Words& message);

  // Knob commands; the value, or the error code in brackets, or what else came.
  std::string read_knob(unsigned knob);
  std::string write_knob(unsigned knob, std::uint32_t value);

  std::size_t count_events(const std::string& name) const;
  const Event& last_event(const std::string& name) const;

  ManualClock clock;
  std::vector<Event> events;
  std::unique_ptr<Device> device;
};

// Names the model in the name of a parameterised test.
std::string model_name(Model model);

Words read_request(unsigned knob);
Words write_request(unsigned knob, std::uint32_t value);

}  // namespace emulator
