// A device whose firmware acts between the accesses of the host, and what an operation of the host cost
// beside it.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "emulated_access.h"

namespace nvccd::test {

using Gaps = std::vector<unsigned>;

// "3/0/5", as the emulator's fault "firmware-steps" takes them.
inline std::string to_text(const Gaps& gaps) {
  return fmt::format("{}", fmt::join(gaps, "/"));
}

// Every combination of `count` gaps from 0 to `most`.
inline void for_each_gaps(std::size_t count, unsigned most, const std::function<void(const Gaps&)>& visit) {
  Gaps gaps(count, 0);
  while (true) {
    visit(gaps);
    const auto next = std::ranges::find_if(gaps, [&](unsigned gap) { return gap < most; });
    std::fill(gaps.begin(), next, 0U);
    if (next == gaps.end()) return;
    ++*next;
  }
}

// Notes how long the host sleeps without the firmware doing anything: that is the host's own doing.
class IdleClock final : public Clock {
 public:
  IdleClock(Clock& clock, emulator::Device& device) : clock_(clock), device_(device) {}

  Duration now() const override { return clock_.now(); }
  void sleep(Duration duration) override {
    since_last_step();
    idle_ += duration;
    longest_ = std::max(longest_, idle_);
    clock_.sleep(duration);
  }

  // Slept since the firmware's last step, and the longest such sleep.
  Duration since_last_step() {
    const auto steps = device_.counters().firmware_steps;
    if (std::exchange(steps_, steps) != steps) idle_ = {};
    return idle_;
  }
  Duration longest() const { return longest_; }
  void restart() { idle_ = longest_ = {}; }

 private:
  Clock& clock_;
  emulator::Device& device_;
  std::uint64_t steps_ = 0;
  Duration idle_{};
  Duration longest_{};
};

// Registers of a host that dies after so many accesses: from then on nothing reaches the device.
class MortalRegisters final : public RegisterWindow {
 public:
  MortalRegisters(RegisterWindow& registers, unsigned accesses) : registers_(registers), left_(accesses) {}

  bool alive() const { return left_ > 0; }
  Result<std::uint32_t> read(std::uint32_t offset) override {
    if (!spend()) return std::unexpected(dead());
    return registers_.read(offset);
  }
  Result<> write(std::uint32_t offset, std::uint32_t value) override {
    if (!spend()) return std::unexpected(dead());
    writes_.push_back(offset);
    return registers_.write(offset, value);
  }
  const std::vector<std::uint32_t>& writes() const { return writes_; }

 private:
  bool spend() {
    if (left_ == 0) return false;
    --left_;
    return true;
  }
  static Error dead() { return Error{.kind = ErrorKind::hardware_failed, .cause = "the host died"}; }

  RegisterWindow& registers_;
  unsigned left_;
  std::vector<std::uint32_t> writes_;
};

// Counts combinations, and keeps the first few that broke the law.
class Verdict {
 public:
  void count() { ++combinations_; }
  void broken(const std::string& how) {
    if (broken_.size() < 5) broken_.push_back(how);
    ++failures_;
  }
  unsigned combinations() const { return combinations_; }
  std::string text() const {
    return failures_ == 0 ? ""
                          : fmt::format("{} of {} combinations, first\n  {}", failures_, combinations_,
                                        fmt::join(broken_, "\n  "));
  }

 private:
  unsigned combinations_ = 0;
  unsigned failures_ = 0;
  std::vector<std::string> broken_;
};

}  // namespace nvccd::test
