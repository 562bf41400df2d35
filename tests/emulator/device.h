// One emulated NVIDIA function, register by register. It knows nothing of the daemon.
// Not thread-safe: one thread at a time may use a device.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "clock.h"

namespace emulator {

enum class Model { gh100, gb100, gb102, gb202, ls10 };

enum class ResetKind {
  function_level,  // FLR, by the PCIe capability or the operating system
  bus,             // secondary bus reset, or the vfio-user protocol's device reset
  power,           // power cut: like a bus reset, and the device starts anew; knobs survive
};

struct Delays {
  Duration reply{};  // from doorbell to reply
  Duration reset{};  // from reset to the first answered access; until then reads are all ones
  Duration boot{};   // from the end of the reset to boot complete
};

// What the hardware itself saw, for tests that do not trust the daemon's word.
struct Counters {
  std::uint64_t function_level_resets = 0;
  std::uint64_t bus_resets = 0;
  std::uint64_t power_cycles = 0;
  std::uint64_t knob_reads = 0;
  std::uint64_t knob_writes = 0;
  std::uint64_t register_accesses = 0;  // BAR0 reads and writes
  std::uint64_t firmware_steps = 0;     // what the firmware did by itself, see firmware_steps.h
  std::uint64_t protocol_errors = 0;    // what a careful host never does, each with a "protocol-error" event
};

struct BarInfo {
  std::uint64_t size = 0;  // bytes, 0 = not implemented (or upper half of a 64-bit BAR)
  bool is_64_bit = true;
  bool prefetchable = true;
};

// An event worth a line in the log: name and details. "booted" comes with the first access after the fact.
//   reset {kind, ignored}   latched {mode, knobs}   booted {}   knob-written {knob, value}
//   fault {name, value}, clear_faults: name "all"   protocol-error {what}
using EventSink =
    std::function<void(std::string_view event, const std::map<std::string, std::string>& details)>;

class Device {
 public:
  virtual ~Device() = default;

  // --- what a bus master sees ---
  // offset and width as on the bus: width 1, 2 or 4, naturally aligned; config space has 4096 bytes.
  virtual std::uint32_t config_read(std::uint32_t offset, unsigned width) = 0;
  virtual void config_write(std::uint32_t offset, unsigned width, std::uint32_t value) = 0;
  virtual BarInfo bar(unsigned index) const = 0;                             // 0 to 5
  virtual std::uint32_t bar_read(unsigned index, std::uint64_t offset) = 0;  // 32-bit, aligned
  virtual void bar_write(unsigned index, std::uint64_t offset, std::uint32_t value) = 0;
  virtual void reset(ResetKind kind) = 0;

  // --- what only a test may see or do ---
  virtual Model model() const = 0;
  // "off", "on", "devtools", "ppcie" or "invalid" (devtools without CC, or CC and PPCIe at once), as latched
  // by the last reset; the mode register shows it only once the device has booted.
  virtual std::string active_mode() const = 0;
  virtual bool booted() const = 0;
  virtual std::uint16_t knob(unsigned id) const = 0;  // 1 to 47
  virtual void set_knob(unsigned id, std::uint16_t value) = 0;
  virtual void latch_now() = 0;  // make the knobs active now, as a reset long ago would have
  virtual const Counters& counters() const = 0;
  virtual void set_delays(const Delays& delays) = 0;
  // Faults by name, see faults.h; value "" switches a fault off. False: no such fault or value.
  virtual bool set_fault(std::string_view name, std::string_view value) = 0;
  virtual void clear_faults() = 0;
  // Fault "reset-fails": reset() does nothing and whoever stands for the operating system reports an error.
  virtual bool reset_fails() const = 0;
};

struct DeviceOptions {
  std::uint64_t bar1_size = 64U << 20U;  // bytes; a power of two from 1 MiB; GPUs only
  std::uint16_t device_id = 0;           // PCI device id; 0 = the model's usual one
};

// A device that was powered on long ago: booted, mode off. The clock must outlive it.
std::unique_ptr<Device> make_device(Model model, Clock& clock, const Delays& delays, EventSink sink = {},
                                    const DeviceOptions& options = {});

}  // namespace emulator
