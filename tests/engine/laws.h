// The laws, judged from what is published and from what the hardware says.
//
// L1 Nothing says ready, healthy or a mode unless the hardware was seen so since the last thing that happened
// to it.
//    The only allowance: what has happened and was not told yet, or had no witness and was not asked for
//    since.
// L2 The node is ready only if every managed device is, in a mode that protects; at every moment, in every
// document. L3 Nobody's device is touched: not a VM's, not an excluded one, not the successor of one that was
// held. L4 Once nothing happens any more, everything ends: ready, or failed with an error; no job stays. L5 A
// job's outcome is true.
#pragma once

#include <map>
#include <string>

#include "daemon/engine/manager.h"
#include "ground_truth.h"

namespace nvccd::test {

class Laws final : public ManagerObserver {
 public:
  Laws(NodeManager& manager, EmulatedHost& host, GroundTruth& truth);
  Laws(const Laws&) = delete;
  Laws& operator=(const Laws&) = delete;
  ~Laws() override { manager_.remove_observer(*this); }

  // After every step of the simulation.
  void judge();
  // Once nothing happens any more.
  void judge_end(bool settled);
  // The same, once every device is whole and was looked at: only what cannot be done is an error.
  void judge_mended();
  // The daemon does something to a device.
  void touched(unsigned device, EmulatedHost::Touch touch, Duration now);
  void settings_loaded(Duration now);
  void set_dry(JobId job) { jobs_[job].dry = true; }
  // From now on a look may find a mailbox out of step, which it cures by a reset that is no job's.
  void let_looks_reset() { looks_reset_ = true; }

  // What was broken: a short name of it, and what was seen first.
  std::map<std::string, std::string> broken;

  void node_changed() override { judge_node("the node changed"); }
  void device_changed(const PciAddress&) override { judge_node("a device changed"); }
  void device_removed(const PciAddress& address) override;
  void job_added(JobId id) override;
  void job_removed(JobId id) override;

 private:
  struct JobTruth {
    bool dry = false;
    Settings settings;                                  // when it began
    std::set<unsigned> resets;                          // devices that were reset while it was there
    std::map<unsigned, const emulator::Device*> cards;  // when it began
  };

  void break_law(const std::string& name, const std::string& details);
  void judge_device(unsigned device, const DeviceSnapshot& snapshot);
  void judge_healthy(unsigned device, const DeviceSnapshot& snapshot);
  void judge_node(const std::string& moment);
  void judge_document();
  void judge_excluded();
  void judge_done(const JobSnapshot& job, const JobTruth& truth, unsigned device);
  bool being_reset(unsigned device) const;

  NodeManager& manager_;
  EmulatedHost& host_;
  GroundTruth& truth_;
  std::map<JobId, JobTruth> jobs_;
  std::set<unsigned> held_;         // devices that the daemon has
  std::set<unsigned> reset_holds_;  // devices that are held, and were reset in that hold
  bool looks_reset_ = false;
  std::vector<int> judged_document_;  // what in it the laws are about
};

}  // namespace nvccd::test
