// A node on which a schedule happens, with the laws watching. It is deterministic: the same schedule leads to
// the same.
#pragma once

#include "laws.h"
#include "node_fixture.h"
#include "schedule.h"

namespace nvccd::test {

class LawWorld {
 public:
  explicit LawWorld(const Fleet& fleet);
  LawWorld(const LawWorld&) = delete;
  LawWorld& operator=(const LawWorld&) = delete;
  ~LawWorld();

  // What happens, then the end: faults are mended, VMs go, everything is told, and time passes.
  void run(const std::vector<Command>& commands);

  const std::map<std::string, std::string>& broken() const { return broken_; }
  std::uint64_t steps() const { return steps_; }
  // What happened when, for a person.
  const std::string& story() const { return story_; }

 private:
  // law_world.cpp: time
  void start_daemon();
  void crash();
  // Whether it has happened already, in a worker.
  bool wait_for(const Command& command);
  bool is_due_at_this_access();
  std::uint64_t count(Moment moment);
  bool advance(Duration until);
  void pass(Duration time);
  void finish();
  void take_broken();
  void tell(const std::string& line);

  // law_happenings.cpp: what a command does. The world's part happens at once, wherever the daemon is; calls
  // are made on the loop.
  void happen(const Command& command);
  void happen_to_device(const Command& command);
  void happen_to_vm(const Command& command);
  void call(const Command& command);
  void call_mode(const Command& command);
  void call_device(const Command& command);
  void change_settings(const Command& command);
  void later(Deliveries::Queue queue, const Command& command, std::vector<unsigned> about,
             Deliveries::Tell tell);
  void plug(const Command& command);
  void unplug(const Command& command);
  void reset(unsigned device, emulator::ResetKind kind);
  void use_another_tool(unsigned device, Mode mode);
  void let_vm(bool take, unsigned device, bool seen, const Command& command);
  Duration now() const { return node_.simulation->now(); }

  const Fleet& fleet_;
  Node node_;
  Deliveries deliveries_;
  GroundTruth truth_{*node_.host, deliveries_};
  std::unique_ptr<Laws> laws_;
  std::map<std::string, std::string> broken_;
  // What happens at a register access: after so many, or once that many knobs or resets were counted.
  std::optional<Command> due_at_access_;
  std::uint64_t accesses_left_ = 0;
  std::uint64_t counted_before_ = 0;
  // While a VM opens or closes its node: which devices that is about, and whether our /dev shows it.
  std::optional<std::vector<unsigned>> vm_acts_on_;
  bool vm_is_seen_ = false;
  Duration vm_event_late_{};
  void let_looks_reset() {
    looks_reset_ = true;
    laws_->let_looks_reset();
  }
  bool looks_reset_ = false;
  std::uint64_t steps_ = 0;
  std::string story_;
};

}  // namespace nvccd::test
