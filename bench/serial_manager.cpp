#include "serial_manager.h"

#include <algorithm>
#include <stdexcept>
#include <thread>

namespace nvccd::bench {
namespace {

using namespace std::chrono_literals;
using emulator::Model;

// The tool that the manager uses looks for a reply at once, and then every 10 ms.
constexpr auto poll_step = 10ms;

struct KnobTarget {
  std::uint32_t knob;
  std::uint32_t value;
};

std::vector<std::uint32_t> exchange(emulator::Device& device, const std::vector<std::uint32_t>& packet) {
  device.bar_write(0, 0x8f2ad0, 0x03000800);
  for (const auto word : packet)
    device.bar_write(0, 0x8f2ad4, word);
  device.bar_write(0, 0x8f2c14, 0x800 + 4 * static_cast<std::uint32_t>(packet.size() - 1));
  device.bar_write(0, 0x8f2c10, 0x800);
  while (device.bar_read(0, 0x8f2c90) == device.bar_read(0, 0x8f2c94))
    std::this_thread::sleep_for(poll_step);
  const auto head = device.bar_read(0, 0x8f2c90);
  std::vector<std::uint32_t> reply((device.bar_read(0, 0x8f2c94) - head) / 4 + 1);
  device.bar_write(0, 0x8f2ad0, 0x03000800);
  for (auto& word : reply)
    word = device.bar_read(0, 0x8f2ad4);
  device.bar_write(0, 0x8f2c94, head);
  if (reply.size() < 5 || reply[4] != 0) throw std::runtime_error("the firmware refused a request");
  return reply;
}

std::uint32_t read_knob(emulator::Device& device, std::uint32_t knob) {
  return exchange(device, {0xc0000000, 0x1310de7e, knob << 16 | 0x20c}).at(5) & 0xffff;
}

void check_and_write(emulator::Device& device, const KnobTarget& target) {
  if (read_knob(device, target.knob) != target.value)
    exchange(device, {0xc0000000, 0x1310de7e, target.knob << 16 | 0x20d, target.value});
}

void set_confidential(emulator::Device& device, Mode mode) {
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

void set_ppcie(emulator::Device& device, Model model, bool on) {
  read_knob(device, 8);
  if (!on) {
    for (const KnobTarget& target : {KnobTarget{10, 0}, {45, 0}})
      check_and_write(device, target);
    return;
  }
  for (const KnobTarget& target :
       {KnobTarget{2, 0}, {4, 0}, {34, 0}, {6, 0}, {8, 0}, {10, model == Model::ls10 ? 0U : 2U}, {45, 1}})
    check_and_write(device, target);
}

void reset(const SerialDevice& entry) {
  entry.device->reset(emulator::ResetKind::function_level);
  std::this_thread::sleep_for(entry.delays.reset);
  entry.device->config_write(0x4, 2, 2);  // the kernel restores the memory space bit
}

void wait_for_boot(const SerialDevice& entry) {
  const std::uint64_t boot_register = entry.model == Model::ls10 ? 0x660bc : 0x200bc;
  while (entry.device->bar_read(0, boot_register) != 0xff)
    std::this_thread::sleep_for(poll_step);
}

// Resets one after the other, then waits for one after the other.
void latch(const std::vector<const SerialDevice*>& changed) {
  for (const auto* entry : changed)
    reset(*entry);
  for (const auto* entry : changed)
    wait_for_boot(*entry);
}

}  // namespace

void change_serially(std::vector<SerialDevice>& devices, Mode mode) {
  std::vector<const SerialDevice*> changed;
  if (mode == Mode::ppcie) {
    for (auto& entry : devices) {
      if (entry.device->active_mode() == "ppcie") continue;
      set_ppcie(*entry.device, entry.model, true);
      changed.push_back(&entry);
    }
    return latch(changed);
  }
  // PPCIe is left in a cycle of its own first.
  for (auto& entry : devices) {
    if (entry.device->active_mode() != "ppcie") continue;
    set_ppcie(*entry.device, entry.model, false);
    changed.push_back(&entry);
  }
  latch(changed);
  changed.clear();
  for (auto& entry : devices) {
    if (entry.model == Model::ls10 || entry.device->active_mode() == to_string(mode)) continue;
    set_confidential(*entry.device, mode);
    changed.push_back(&entry);
  }
  latch(changed);
}

}  // namespace nvccd::bench
