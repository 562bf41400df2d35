#include "ground_truth.h"

#include <utility>

#include "hardware_truth.h"
#include "node_fixture.h"

namespace nvccd::test {

using Unwitnessed = DeviceTruth::Unwitnessed;

bool GroundTruth::is_known(unsigned device) const {
  return of(device).unwitnessed == Unwitnessed::no && !deliveries_.untold(device);
}

std::optional<Mode> GroundTruth::mode_of(unsigned device) const {
  if (present(device))
    for (const Mode mode : all_values<Mode>)
      if (hardware_is(host_.hardware(slot(device)), mode)) return mode;
  return std::nullopt;
}

bool GroundTruth::present(unsigned device) const {
  return host_.present(slot(device));
}

bool GroundTruth::held_by_vm(unsigned device) const {
  return present(device) && host_.held_by_vm(slot(device));
}

std::vector<unsigned> GroundTruth::group_of(unsigned device) const {
  std::vector<unsigned> group;
  for (unsigned other = 0; other < slots_of_node; ++other)
    if (present(other) && present(device) && host_.same_group(slot(device), slot(other)))
      group.push_back(other);
  return group;
}

void GroundTruth::taken(unsigned device, bool seen) {
  of(device).holder_seen = seen;
  of(device).mode_when_taken = mode_of(device);
  if (!seen) changed_unseen(device);
}

void GroundTruth::replaced(unsigned device) {
  const DeviceTruth before = std::exchange(of(device), {});
  of(device).excluded_at = before.excluded_at;
  of(device).predecessor_released = before.released || before.predecessor_released;
}

void GroundTruth::daemon_started() {
  for (DeviceTruth& device : devices_) {
    device.unwitnessed = Unwitnessed::no;
    device.holder_seen = false;
    device.released = device.predecessor_released = false;
    device.excluded_at.reset();
  }
}

void GroundTruth::asked_for(unsigned device) {
  if (of(device).unwitnessed == Unwitnessed::yes) of(device).unwitnessed = Unwitnessed::asked;
}

void GroundTruth::answered(unsigned device) {
  if (of(device).unwitnessed != Unwitnessed::asked) return;
  const bool tells_nothing = held_by_vm(device) && of(device).holder_seen;
  of(device).unwitnessed = tells_nothing ? Unwitnessed::yes : Unwitnessed::answered;
}

void GroundTruth::answers_taken() {
  for (DeviceTruth& device : devices_)
    if (device.unwitnessed == Unwitnessed::answered) device.unwitnessed = Unwitnessed::no;
}

}  // namespace nvccd::test
