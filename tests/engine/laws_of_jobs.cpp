// The laws that are judged at the end of a job, and at the end of everything.
#include <fmt/format.h>

#include "common/policy/desired.h"
#include "hardware_truth.h"
#include "laws.h"
#include "node_fixture.h"

namespace nvccd::test {

// ---- L5 ----

void Laws::job_added(JobId id) {
  JobTruth& job = jobs_[id];
  job.settings = manager_.settings();
  for (unsigned device = 0; device < slots_of_node; ++device)
    if (truth_.present(device)) job.cards[device] = &host_.hardware(slot(device));
}

void Laws::job_removed(JobId id) {
  const JobSnapshot& job = manager_.jobs().at(id);
  const JobTruth truth = jobs_[id];
  jobs_.erase(id);
  judge_node("a job ended");
  if (truth.dry) return;
  if (!job.finished()) break_law("L5 a job was removed before its end", fmt::format("job {}", id));
  if (job.state == JobState::failed && job.error.empty())
    break_law("L5 a job failed without an error", fmt::format("job {}", id));
  // A look may reset a device whose firmware is out of step, which is nothing of the job's.
  if (job.state == JobState::cancelled && !truth.resets.empty() && !looks_reset_)
    break_law("L5 a job is cancelled that has reset a device", fmt::format("job {}", id));
  if (job.state == JobState::done)
    for (const PciAddress& address : job.devices)
      judge_done(job, truth, address.bus - 1U);
}

void Laws::judge_done(const JobSnapshot& job, const JobTruth& truth, unsigned device) {
  const std::string name = fmt::format("L5 {} is done, but a device of it ", to_string(job.kind));
  const auto lie = [&](const std::string& what) {
    const auto& devices = manager_.devices();
    const auto published = devices.find(slot(device));
    break_law(
        name + what,
        fmt::format("job {} in mode {}: {} {}", job.id, to_string(job.mode), to_string(slot(device)),
                    published == devices.end() ? "is not listed"
                                               : "is " + std::string(to_string(published->second.state))));
  };
  DeviceTruth& known = truth_.of(device);
  const auto card = truth.cards.find(device);
  const bool same_card =
      truth_.present(device) && card != truth.cards.end() && card->second == &host_.hardware(slot(device));
  if (job.kind == JobKind::unbind && same_card) known.released = true;
  if (job.kind == JobKind::bind) known.released = false;
  if (!truth_.is_known(device)) return;
  const auto published = manager_.devices().find(slot(device));
  if (published == manager_.devices().end()) return lie("is gone");
  const DeviceSnapshot& snapshot = published->second;
  if (known.excluded_at || known.released) return;
  if (job.kind == JobKind::bind && host_.driver(slot(device)) != "vfio-pci") return lie("has no VFIO driver");
  if (!job.sets_mode()) return;

  const auto wanted = [&](const Settings& settings) {
    return desired_device(settings, *job.mode, slot(device), snapshot.kind, snapshot.device_id).mode;
  };
  const auto real = truth_.held_by_vm(device) ? known.mode_when_taken : truth_.mode_of(device);
  if (real != wanted(truth.settings) && real != wanted(manager_.settings())) return lie("is not in its mode");
  if (snapshot.requested_mode == real && !snapshot.healthy()) lie("is not verified");
}

// ---- L4 ----

void Laws::judge_end(bool settled) {
  if (!settled) break_law("L4 the start never settles", "");
  for (const auto& [id, job] : manager_.jobs())
    break_law(fmt::format("L4 a job stays {}", to_string(job.state)),
              fmt::format("job {}: {}", id, to_string(job.kind)));
  if (manager_.current_job()) break_law("L4 there is a current job for ever", "");
  for (unsigned device = 0; device < slots_of_node; ++device) {
    const auto published = manager_.devices().find(slot(device));
    const bool listed = published != manager_.devices().end();
    if (listed != truth_.present(device))
      break_law(listed ? "L4 a device that is gone stays listed" : "L4 a device is never listed",
                to_string(slot(device)));
    if (!listed || !truth_.present(device)) continue;
    const DeviceSnapshot& snapshot = published->second;
    const bool left_alone = truth_.of(device).excluded_at || truth_.of(device).released;
    if (truth_.of(device).predecessor_released && snapshot.state == DeviceState::unmanaged) continue;
    const bool fine = left_alone                              ? snapshot.state == DeviceState::unmanaged
                      : snapshot.state == DeviceState::failed ? !snapshot.error.empty()
                                                              : snapshot.healthy() && !snapshot.in_use;
    if (!fine)
      break_law(fmt::format("L4 a {} device stays {}{}", left_alone ? "left alone" : "free",
                            to_string(snapshot.state), snapshot.in_use ? " in use" : ""),
                snapshot.error.empty() ? to_string(snapshot.address) : snapshot.error);
  }
  const auto mode_state = manager_.node().mode_state;
  if (mode_state == ModeState::transitioning) break_law("L4 the node changes for ever", "");
}

void Laws::judge_mended() {
  // In ppcie the devices are one fabric: one that cannot do it keeps the others from it.
  const auto possible = [&](const DeviceSnapshot& device) {
    return device.state == DeviceState::unmanaged || !device.requested_mode ||
           supports(host_.hardware(device.address).model(), *device.requested_mode);
  };
  const auto& devices = manager_.devices();
  const bool all_possible =
      std::ranges::all_of(devices, possible, [](const auto& entry) { return entry.second; });
  if (!all_possible && manager_.node().requested_mode == Mode::ppcie) return;
  for (const auto& [address, device] : devices)
    if (device.state == DeviceState::failed && possible(device) && manager_.settings().vfio.bind)
      break_law("L4 a device that is whole stays failed", device.error);
}

}  // namespace nvccd::test
