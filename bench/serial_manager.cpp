#include "serial_manager.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>
#include <type_traits>

#include "daemon/hardware/confidential_device.h"

namespace nvccd::bench {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::uint32_t>;

// The tool that the manager uses looks for a reply at once, and then every 10 ms.
constexpr auto poll_step = 10ms;
constexpr auto limit = 60s;

template <typename Value>
Value must(Result<Value> result) {
  if (!result) throw std::runtime_error(result.error().message());
  if constexpr (!std::is_void_v<Value>) return *std::move(result);
}

std::uint32_t read(const SerialDevice& device, std::uint32_t offset) {
  return must(device.access->registers().read(offset));
}

void write(const SerialDevice& device, std::uint32_t offset, std::uint32_t value) {
  must(device.access->registers().write(offset, value));
}

template <typename Condition>
void wait_for(const char* what, std::chrono::milliseconds step, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error(fmt::format("waited in vain for {}", what));
    std::this_thread::sleep_for(step);
  }
}

struct KnobTarget {
  std::uint32_t knob;
  std::uint32_t value;
};

Words exchange(const SerialDevice& device, const Words& packet) {
  wait_for("the firmware to take a command", 1ms,
           [&] { return read(device, 0x8f2c10) == read(device, 0x8f2c14); });
  write(device, 0x8f2ad0, 0x03000800);
  for (const auto word : packet)
    write(device, 0x8f2ad4, word);
  write(device, 0x8f2c14, 0x800 + 4 * static_cast<std::uint32_t>(packet.size() - 1));
  write(device, 0x8f2c10, 0x800);
  wait_for("a reply", poll_step, [&] { return read(device, 0x8f2c90) != read(device, 0x8f2c94); });
  const auto head = read(device, 0x8f2c90);
  Words reply((read(device, 0x8f2c94) - head) / 4 + 1);
  write(device, 0x8f2ad0, 0x03000800);
  for (auto& word : reply)
    word = read(device, 0x8f2ad4);
  write(device, 0x8f2c94, head);
  if (reply.size() < 5 || reply[4] != 0) throw std::runtime_error("the firmware refused a request");
  return reply;
}

std::uint32_t read_knob(const SerialDevice& device, std::uint32_t knob) {
  return exchange(device, {0xc0000000, 0x1310de7e, knob << 16 | 0x20c}).at(5) & 0xffff;
}

void check_and_write(const SerialDevice& device, const KnobTarget& target) {
  if (read_knob(device, target.knob) != target.value)
    exchange(device, {0xc0000000, 0x1310de7e, target.knob << 16 | 0x20d, target.value});
}

bool is_switch(const SerialDevice& device) {
  return device.chip->architecture == Architecture::ls10;
}

void set_confidential(const SerialDevice& device, Mode mode) {
  read_knob(device, 45);
  if (mode == Mode::off) {
    for (const KnobTarget& target : {KnobTarget{10, 0}, {6, 0}, {8, 0}})
      check_and_write(device, target);
    return;
  }
  const bool devtools = mode == Mode::devtools;
  for (const KnobTarget& target : {KnobTarget{2, 0},
                                   {4, 0},
                                   {34, 0},
                                   {45, 0},
                                   {10, devtools ? 0U : 2U},
                                   {8, 1},
                                   {6, devtools ? 1U : 0U}})
    check_and_write(device, target);
}

void set_ppcie(const SerialDevice& device, bool on) {
  read_knob(device, 8);
  if (!on) {
    for (const KnobTarget& target : {KnobTarget{10, 0}, {45, 0}})
      check_and_write(device, target);
    return;
  }
  for (const KnobTarget& target :
       {KnobTarget{2, 0}, {4, 0}, {34, 0}, {6, 0}, {8, 0}, {10, is_switch(device) ? 0U : 2U}, {45, 1}})
    check_and_write(device, target);
}

std::optional<Mode> active_mode(const SerialDevice& device) {
  return decode_mode(*device.chip, read(device, device.chip->mode_register)).mode;
}

void reset(const SerialDevice& device) {
  must(device.access->reset());
  if (!device.chip->has_register_ring) return;
  write(device, 0x12004c, 0x4);
  write(device, 0x122204, 0x2);
}

void wait_for_boot(const SerialDevice& device) {
  wait_for("a boot", poll_step, [&] { return read(device, device.chip->boot_register) == 0xff; });
}

// Resets one after the other, then waits for one after the other.
void latch(const std::vector<const SerialDevice*>& changed, Mode mode) {
  for (const auto* device : changed)
    reset(*device);
  for (const auto* device : changed) {
    wait_for_boot(*device);
    if (active_mode(*device) != mode) throw std::runtime_error("a device is not in the mode after its reset");
  }
}

}  // namespace

void change_serially(const std::vector<SerialDevice>& devices, Mode mode) {
  std::vector<const SerialDevice*> changed;
  if (mode == Mode::ppcie) {
    for (const auto& device : devices) {
      if (active_mode(device) == Mode::ppcie) continue;
      set_ppcie(device, true);
      changed.push_back(&device);
    }
    return latch(changed, mode);
  }
  // PPCIe is left in a cycle of its own first.
  for (const auto& device : devices) {
    if (active_mode(device) != Mode::ppcie) continue;
    set_ppcie(device, false);
    changed.push_back(&device);
  }
  latch(changed, Mode::off);
  changed.clear();
  for (const auto& device : devices) {
    if (is_switch(device) || active_mode(device) == mode) continue;
    set_confidential(device, mode);
    changed.push_back(&device);
  }
  latch(changed, mode);
}

void reset_and_wait(const SerialDevice& device) {
  reset(device);
  wait_for_boot(device);
}

}  // namespace nvccd::bench
