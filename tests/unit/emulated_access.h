// One emulated device as the hardware layer reaches it, with time that passes only when somebody sleeps.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "daemon/hardware/confidential_device.h"
#include "tests/emulator/device.h"

namespace nvccd::test {

class EmulatedClock final : public Clock {
 public:
  Duration now() const override { return time_.now(); }
  void sleep(Duration duration) override { time_.advance(duration); }
  emulator::ManualClock& emulated() { return time_; }

 private:
  emulator::ManualClock time_;
};

class EmulatedRegisters final : public RegisterWindow {
 public:
  explicit EmulatedRegisters(emulator::Device& device) : device_(device) {}
  Result<std::uint32_t> read(std::uint32_t offset) override { return device_.bar_read(0, offset); }
  Result<> write(std::uint32_t offset, std::uint32_t value) override {
    device_.bar_write(0, offset, value);
    return {};
  }

 private:
  emulator::Device& device_;
};

class EmulatedConfigSpace final : public ConfigSpace {
 public:
  explicit EmulatedConfigSpace(emulator::Device& device) : device_(device) {}
  Result<std::uint32_t> read(std::uint32_t offset) override { return device_.config_read(offset, 4); }

 private:
  emulator::Device& device_;
};

class EmulatedAccess final : public DeviceAccess {
 public:
  explicit EmulatedAccess(emulator::Model model, const emulator::Delays& delays = {})
      : reset_delay_(delays.reset),
        device_(emulator::make_device(model, clock_.emulated(), delays,
                                      [this](std::string_view event, const auto& details) {
                                        if (event == "protocol-error")
                                          protocol_errors_.push_back(details.at("what"));
                                        if (event == "knob-written")
                                          knobs_written_.push_back(details.at("knob") + "=" +
                                                                   details.at("value"));
                                      })),
        registers_(*device_),
        config_(*device_) {
    switch_memory_on();
  }

  emulator::Device& device() { return *device_; }
  EmulatedClock& clock() { return clock_; }

  Result<ConfidentialDevice> open(Duration limit = std::chrono::seconds(60)) {
    const auto kind = device_->model() == emulator::Model::ls10 ? DeviceKind::nvswitch : DeviceKind::gpu;
    return ConfidentialDevice::open(kind, device_id_, *this, clock_, limit);
  }

  // In the order in which they were written, "8=1".
  const std::vector<std::string>& knobs_written() const { return knobs_written_; }
  // What a careful host never does.
  const std::vector<std::string>& protocol_errors() const { return protocol_errors_; }

  RegisterWindow& registers() override { return registers_; }
  ConfigSpace& config() override { return config_; }
  Result<> prove() override { return {}; }
  // As the kernel does it: comes back when the device answers again, with memory space on.
  Result<> reset() override {
    device_->reset(emulator::ResetKind::function_level);
    clock_.sleep(reset_delay_);
    switch_memory_on();
    return {};
  }

 private:
  void switch_memory_on() { device_->config_write(0x04, 2, 0x0002); }

  EmulatedClock clock_;
  Duration reset_delay_;
  std::vector<std::string> knobs_written_;
  std::vector<std::string> protocol_errors_;
  std::unique_ptr<emulator::Device> device_;
  EmulatedRegisters registers_;
  EmulatedConfigSpace config_;
  std::uint16_t device_id_ = static_cast<std::uint16_t>(device_->config_read(0x02, 2));
};

inline std::string model_name(emulator::Model model) {
  switch (model) {
    case emulator::Model::gh100:
      return "gh100";
    case emulator::Model::gb100:
      return "gb100";
    case emulator::Model::gb102:
      return "gb102";
    case emulator::Model::gb202:
      return "gb202";
    case emulator::Model::ls10:
      return "ls10";
  }
  return "unknown";
}

}  // namespace nvccd::test
