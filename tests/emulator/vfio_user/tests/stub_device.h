// A device without behaviour that remembers how it was accessed.
#pragma once

#include <array>
#include <cstring>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "tests/emulator/device.h"

namespace emulator::vfio_user::test {

struct Access {
  char kind;  // 'r' or 'w'
  std::uint64_t offset;
  unsigned width;
  std::uint32_t value;
  friend bool operator==(const Access&, const Access&) = default;
};

class StubDevice final : public Device {
 public:
  static constexpr std::uint64_t bar0_size = 16 * 1024 * 1024;
  static constexpr std::uint64_t bar2_size = 64ULL * 1024 * 1024 * 1024;

  std::uint32_t config_read(std::uint32_t offset, unsigned width) override {
    std::uint32_t value = 0;
    std::memcpy(&value, &config.at(offset), width);
    config_log.push_back({'r', offset, width, value});
    return value;
  }
  void config_write(std::uint32_t offset, unsigned width, std::uint32_t value) override {
    std::memcpy(&config.at(offset), &value, width);
    config_log.push_back({'w', offset, width, value});
  }
  BarInfo bar(unsigned index) const override {
    if (index == 0) return {.size = bar0_size};
    if (index == 2) return {.size = bar2_size};
    return {};
  }
  std::uint32_t bar_read(unsigned index, std::uint64_t offset) override {
    const std::uint32_t value = words[{index, offset}];
    bar_log.push_back({'r', offset, 4, value});
    return value;
  }
  void bar_write(unsigned index, std::uint64_t offset, std::uint32_t value) override {
    words[{index, offset}] = value;
    bar_log.push_back({'w', offset, 4, value});
  }
  void reset(ResetKind kind) override { resets.push_back(kind); }

  Model model() const override { return Model::gh100; }
  std::string active_mode() const override { return "off"; }
  bool booted() const override { return true; }
  std::uint16_t knob(unsigned) const override { return 0; }
  void set_knob(unsigned, std::uint16_t) override {}
  void latch_now() override {}
  const Counters& counters() const override { return counters_; }
  void set_delays(const Delays&) override {}
  bool set_fault(std::string_view, std::string_view) override { return false; }
  void clear_faults() override {}
  bool reset_fails() const override { return fails_to_reset; }

  std::array<std::uint8_t, 4096> config{};
  std::map<std::pair<unsigned, std::uint64_t>, std::uint32_t> words;
  std::vector<Access> config_log;
  std::vector<Access> bar_log;
  std::vector<ResetKind> resets;
  bool fails_to_reset = false;

 private:
  Counters counters_;
};

}  // namespace emulator::vfio_user::test
