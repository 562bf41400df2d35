// What has happened to each device of a node, and what of it the daemon can know: the laws are judged by
// this.
#pragma once

#include <array>
#include <optional>
#include <set>

#include "deliveries.h"
#include "emulated_host.h"

namespace nvccd::test {

inline constexpr unsigned slots_of_node = 4;

struct DeviceTruth {
  // Changed with nobody to tell of it. The daemon cannot know until it asks for the device the next time, and
  // has seen the answer.
  enum class Unwitnessed { no, yes, asked, answered };
  Unwitnessed unwitnessed = Unwitnessed::no;

  // Of the VM that has it.
  bool holder_seen = false;  // the daemon was told of its coming
  std::optional<Mode>
      mode_when_taken;  // nullopt: it was right in none, or something has happened to it since

  bool released = false;  // given back by an unbind job
  // So was the card that was there before, and where events were lost nobody can tell them apart.
  bool predecessor_released = false;

  // The settings exclude it since then.
  std::optional<Duration> excluded_at;
  bool was_being_reset = false;          // at that time
  bool held_when_excluded = false;       // and still is
  std::uint64_t knob_writes_before = 0;  // at the last step
};

class GroundTruth {
 public:
  GroundTruth(EmulatedHost& host, const Deliveries& deliveries) : host_(host), deliveries_(deliveries) {}

  DeviceTruth& of(unsigned device) { return devices_.at(device); }
  const DeviceTruth& of(unsigned device) const { return devices_.at(device); }

  // Whether the daemon can know everything that has happened to the device.
  bool is_known(unsigned device) const;
  // The mode in which the hardware is right, nullopt: in none.
  std::optional<Mode> mode_of(unsigned device) const;
  bool present(unsigned device) const;
  bool held_by_vm(unsigned device) const;
  // The device and those with which it shares an IOMMU group.
  std::vector<unsigned> group_of(unsigned device) const;

  // Somebody but its VM did something to it.
  void interfered(unsigned device) { of(device).mode_when_taken.reset(); }
  void changed_unseen(unsigned device) { of(device).unwitnessed = DeviceTruth::Unwitnessed::yes; }
  void taken(unsigned device, bool seen);
  void replaced(unsigned device);
  // A new daemon knows nothing and has been told nothing.
  void daemon_started();

  // The daemon asks for a device, and has the answer. That a VM has it which was seen to come is none: it
  // says nothing of what was before.
  void asked_for(unsigned device);
  void answered(unsigned device);
  // The loop has taken all answers.
  void answers_taken();

 private:
  EmulatedHost& host_;
  const Deliveries& deliveries_;
  std::array<DeviceTruth, slots_of_node> devices_;
};

}  // namespace nvccd::test
